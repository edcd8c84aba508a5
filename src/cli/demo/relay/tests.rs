//! The relay between a client and a server that sends everything back.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::relay::{Relay, Telling, Weather};

const FOREVER: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(60);

/// A server that sends everything back, and half a connection to it through a relay.
async fn echo_behind(weather: Weather) -> (Relay, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
                let _ = writer.shutdown().await;
            });
        }
    });
    let relay = Relay::start(target, weather).await.unwrap();
    let stream = TcpStream::connect(relay.address()).await.unwrap();
    (relay, stream)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(FOREVER, future).await.expect("it comes to an end")
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    within(stream.read_exact(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test]
async fn it_carries_both_ways_and_passes_the_end_on() {
    let (_relay, mut stream) = echo_behind(Weather::default()).await;
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = Vec::new();
    within(stream.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all, b"hello");
}

#[tokio::test]
async fn a_round_trip_takes_the_delay_and_pipelined_ones_share_it() {
    let delay = Duration::from_millis(100);
    let (_relay, mut stream) = echo_behind(Weather { delay, ..Weather::default() }).await;
    let began = Instant::now();
    stream.write_all(b"one").await.unwrap();
    assert_eq!(read(&mut stream, 3).await, b"one");
    assert!(began.elapsed() >= delay);
}

#[tokio::test]
async fn dark_holds_everything_back_and_light_brings_it() {
    let (relay, mut stream) = echo_behind(Weather::default()).await;
    relay.change(|weather| weather.dark = true);
    stream.write_all(b"held").await.unwrap();
    let mut one = [0];
    assert!(timeout(A_WHILE, stream.read(&mut one)).await.is_err(), "nothing arrives");
    let mut fresh = within(TcpStream::connect(relay.address())).await.unwrap();
    fresh.write_all(b"too").await.unwrap();
    assert!(timeout(A_WHILE, fresh.read(&mut one)).await.is_err(), "nothing arrives on a new one");
    relay.change(|weather| weather.dark = false);
    assert_eq!(read(&mut stream, 4).await, b"held");
    assert_eq!(read(&mut fresh, 3).await, b"too");
}

#[tokio::test]
async fn reset_ends_what_is_open_and_what_is_new() {
    let (relay, mut stream) = echo_behind(Weather::default()).await;
    stream.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut stream, 1).await, b"a");
    relay.change(|weather| weather.reset = true);
    let mut one = [0];
    let open = within(stream.read(&mut one)).await.unwrap_err();
    assert_eq!(open.kind(), io::ErrorKind::ConnectionReset);
    let mut fresh = within(TcpStream::connect(relay.address())).await.unwrap();
    assert_eq!(within(fresh.read(&mut one)).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_forgotten_connection_swallows_what_comes_and_new_ones_do_not() {
    let (relay, mut stream) = echo_behind(Weather::default()).await;
    stream.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut stream, 1).await, b"a");
    relay.change(|weather| weather.forgets += 1);
    stream.write_all(b"b").await.unwrap();
    let mut one = [0];
    assert!(timeout(A_WHILE, stream.read(&mut one)).await.is_err(), "neither an answer nor an end");
    let mut fresh = within(TcpStream::connect(relay.address())).await.unwrap();
    fresh.write_all(b"c").await.unwrap();
    assert_eq!(read(&mut fresh, 1).await, b"c");
}

#[tokio::test]
async fn a_forgotten_connection_may_be_reset_by_the_next_thing_that_comes() {
    let (relay, mut stream) = echo_behind(Weather { telling: Telling::WhenUsed, ..Weather::default() }).await;
    stream.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut stream, 1).await, b"a");
    relay.change(|weather| weather.forgets += 1);
    let mut one = [0];
    assert!(timeout(A_WHILE, stream.read(&mut one)).await.is_err(), "nobody is told");
    stream.write_all(b"b").await.unwrap();
    assert_eq!(within(stream.read(&mut one)).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_forgotten_connection_may_be_reset_at_once_and_new_ones_are_not() {
    let (relay, mut stream) = echo_behind(Weather { telling: Telling::AtOnce, ..Weather::default() }).await;
    stream.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut stream, 1).await, b"a");
    relay.change(|weather| weather.forgets += 1);
    let mut one = [0];
    assert_eq!(within(stream.read(&mut one)).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    let mut fresh = within(TcpStream::connect(relay.address())).await.unwrap();
    fresh.write_all(b"c").await.unwrap();
    assert_eq!(read(&mut fresh, 1).await, b"c");
}

#[tokio::test]
async fn several_targets_are_taken_in_turn() {
    let (first, _) = echo_behind(Weather::default()).await;
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let relay = Relay::between(any, vec![nobody, first.address()], Weather::default()).await.unwrap();
    for answered in [false, true, false, true] {
        let mut stream = TcpStream::connect(relay.address()).await.unwrap();
        let _ = stream.write_all(b"a").await;
        let mut one = [0];
        let got = within(stream.read(&mut one)).await;
        assert_eq!(matches!(got, Ok(1)), answered, "{got:?}");
    }
}
