use super::house::{House, TICKET};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

async fn connect(house: &House, path: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let url = house.open.websocket.as_ref().unwrap();
    let address = url.trim_start_matches("wss://");
    let stream = TcpStream::connect(address).await.unwrap();
    // As the proxy asks, which has taken TLS off.
    let request = format!("ws://{address}{path}/measure/{TICKET}");
    client_async(request, stream).await.map(|(socket, _)| socket)
}

async fn echo(socket: &mut WebSocketStream<TcpStream>, message: Message) -> Option<Message> {
    socket.send(message).await.ok()?;
    let answer = timeout(Duration::from_secs(10), socket.next()).await;
    answer.expect("no answer").and_then(Result::ok)
}

#[tokio::test]
async fn small_messages_come_back_and_long_ones_end_it() {
    let house = House::open().await;
    let mut socket = connect(&house, "").await.unwrap();
    let message = Message::binary(vec![7; 64]);
    assert_eq!(echo(&mut socket, message.clone()).await, Some(message.clone()));
    socket.send(Message::text("text is not answered")).await.unwrap();
    assert_eq!(echo(&mut socket, message.clone()).await, Some(message));
    let long = echo(&mut socket, Message::binary(vec![7; 65])).await;
    assert!(long.is_none() || long.is_some_and(|message| message.is_close()));
}

#[tokio::test]
async fn a_proxy_may_keep_its_own_part_of_the_path() {
    let house = House::open().await;
    let mut socket = connect(&house, "/host1").await.unwrap();
    let message = Message::binary(vec![1]);
    assert_eq!(echo(&mut socket, message.clone()).await, Some(message));
}

#[tokio::test]
async fn without_a_ticket_the_status_says_no() {
    let house = House::open().await;
    house.admit(&[]);
    let refused = connect(&house, "").await.err();
    assert!(
        matches!(&refused, Some(Error::Http(answer)) if answer.status() == 403),
        "{refused:?}"
    );
}
