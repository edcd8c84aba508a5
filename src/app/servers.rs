//! Servers of a new configuration in the order of the running ones: they are known by where they listen, because their sockets stay.
//! It must not change what they answer.

use crate::config::ServerConfig;

/// The new servers in the order of the old ones; those that listen elsewhere take the places that are left, in their own order.
pub(super) fn in_order_of(old: &[ServerConfig], mut new: Vec<ServerConfig>) -> Vec<ServerConfig> {
    let mut places: Vec<Option<ServerConfig>> = Vec::with_capacity(new.len());
    for server in old {
        let same = new.iter().position(|new| new.listen == server.listen);
        places.push(same.map(|at| new.remove(at)));
    }
    let mut rest = new.into_iter();
    let mut ordered: Vec<ServerConfig> = places.into_iter().filter_map(|place| place.or_else(|| rest.next())).collect();
    ordered.extend(rest);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Listen};

    fn server(port: u16, zone: &str) -> ServerConfig {
        let server = Config::default().servers.remove(0);
        ServerConfig { listen: vec![Listen::Port(port)], zones: vec![zone.parse().unwrap()], ..server }
    }

    fn ordered(old: &[(u16, &str)], new: &[(u16, &str)]) -> Vec<String> {
        let of = |list: &[(u16, &str)]| list.iter().map(|(port, zone)| server(*port, zone)).collect::<Vec<_>>();
        in_order_of(&of(old), of(new))
            .iter()
            .map(|server| format!("{} {}", server.listen[0], server.zones[0]))
            .collect()
    }

    #[test]
    fn blocks_that_change_places_keep_their_sockets() {
        assert_eq!(ordered(&[(53, "a"), (54, "b")], &[(54, "c"), (53, "d")]), [":53 d", ":54 c"]);
        assert_eq!(ordered(&[(53, "a"), (54, "b")], &[(55, "c"), (53, "d")]), [":53 d", ":55 c"]);
        assert_eq!(ordered(&[(53, "a")], &[(54, "b"), (53, "c")]), [":53 c", ":54 b"]);
        assert_eq!(ordered(&[(53, "a"), (54, "b")], &[(54, "c")]), [":54 c"]);
    }
}
