//! What a check finds, line by line: what, why, how to mend it, and where more of it stands. It measures and prints nothing.

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Fine,
    /// It works, and somebody should look at it. Or it cannot be known from here.
    Warning,
    /// Questions fail because of it, or will.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub what: String,
    pub why: Option<String>,
    pub mend: Option<String>,
    /// Where docs/check.md explains it.
    pub topic: Option<Topic>,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: &'static str,
    pub lines: Vec<Line>,
}

/// All that was found, causes before what follows from them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    pub groups: Vec<Group>,
    pub matrix: Vec<Cell>,
}

/// One question of the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub region: String,
    /// The address, or `pods' door` for the way that a pod's question takes.
    pub via: String,
    pub name: String,
    pub fine: bool,
    pub result: String,
    /// In milliseconds.
    pub took: Option<f64>,
}

impl Line {
    pub fn fine(what: impl Into<String>) -> Self {
        Self { level: Level::Fine, what: what.into(), why: None, mend: None, topic: None }
    }

    pub fn warning(topic: Topic, what: impl Into<String>) -> Self {
        Self { level: Level::Warning, topic: Some(topic), ..Self::fine(what) }
    }

    pub fn problem(topic: Topic, what: impl Into<String>) -> Self {
        Self { level: Level::Problem, topic: Some(topic), ..Self::fine(what) }
    }

    pub fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    pub fn mend(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }
}

impl Report {
    pub fn add(&mut self, name: &'static str, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.groups.push(Group { name, lines });
        }
    }

    pub fn lines(&self, level: Level) -> impl Iterator<Item = (&'static str, &Line)> {
        let lines = self.groups.iter().flat_map(|group| group.lines.iter().map(|line| (group.name, line)));
        lines.filter(move |(_, line)| line.level == level)
    }

    pub fn count(&self, level: Level) -> usize {
        self.lines(level).count()
    }

    pub fn worst(&self) -> Level {
        let lines = self.groups.iter().flat_map(|group| &group.lines).map(|line| line.level);
        let cells = self.matrix.iter().map(|cell| if cell.fine { Level::Fine } else { Level::Problem });
        lines.chain(cells).max().unwrap_or(Level::Fine)
    }
}

macro_rules! topics {
    ($($name:ident = $anchor:literal,)*) => {
        /// A heading of docs/check.md.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Topic { $($name),* }

        impl Topic {
            pub fn anchor(self) -> &'static str {
                match self { $(Self::$name => $anchor),* }
            }

            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

topics! {
    Configuration = "the-configuration",
    Table = "the-peer-table",
    Reload = "the-newest-file-is-not-in-use",
    Domain = "the-cluster-domain",
    Files = "file-descriptors",
    Memory = "memory",
    Port = "a-port-is-taken",
    Rate = "packets-to-the-vpc-resolver",
    Api = "the-kubernetes-api",
    Rights = "a-right-is-missing",
    Manifests = "manifests",
    Instance = "no-running-instance",
    Sync = "not-synced",
    Freshness = "freshness",
    Doors = "own-doors",
    Upstream = "upstreams",
    Itself = "a-loop",
    Resolving = "a-host-does-not-resolve",
    Refused = "connection-refused",
    TimedOut = "timed-out",
    Reset = "connection-reset",
    Unreachable = "unreachable",
    Silent = "no-answer-on-a-connection",
    Region = "wrong-region",
    Door = "wrong-door",
    Unsynced = "unsynced",
    Tls = "tls",
    Same = "two-regions-with-one-address",
    Hidden = "a-namespace-named-like-a-region",
    Label = "two-clusters-with-one-label",
    Differ = "tables-differ",
}

#[cfg(test)]
mod tests {
    use super::Topic;

    /// As GitHub makes an anchor of a heading.
    fn anchor(heading: &str) -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    }

    #[test]
    fn every_topic_has_its_heading_and_every_heading_its_topic() {
        let page = include_str!("../../../docs/check.md");
        let headings: Vec<String> = page.lines().filter_map(|line| line.strip_prefix("### ")).map(anchor).collect();
        let topics: Vec<&str> = Topic::ALL.iter().map(|topic| topic.anchor()).collect();
        assert_eq!(headings, topics);
    }
}
