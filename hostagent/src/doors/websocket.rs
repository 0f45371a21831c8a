//! The door for browsers that can do neither: WebSocket messages, sent back as they came. It stands behind a proxy that
//! has a public certificate, for a page that came by https may not use one without.

use super::gate::{Door, IDLE, LONGEST_MESSAGE, LONGEST_VISIT, Refusal, Verdict};
use super::porter::{Porter, Visit};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// From the connection to what is asked for.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, porter: Porter) {
    loop {
        match listener.accept().await {
            // All come from the proxy: networks cannot be told apart here.
            Ok((stream, _)) if porter.knock(Door::WebSocket, None) => {
                tokio::spawn(welcome(stream, porter.clone()));
            }
            Ok(_) => {}
            // No more files, most likely.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn welcome(stream: TcpStream, porter: Porter) {
    let _ = stream.set_nodelay(true);
    let mut visit = None;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LONGEST_MESSAGE))
        .max_frame_size(Some(LONGEST_MESSAGE))
        .read_buffer_size(4_096)
        .write_buffer_size(0)
        .max_write_buffer_size(4_096);
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    let enter = |request: &Request, response: Response| match enter(request, &porter) {
        Ok(entered) => {
            visit = Some(entered);
            Ok(response)
        }
        Err(status) => Err(refusal(status)),
    };
    let Ok(Ok(socket)) = timeout(
        HANDSHAKE,
        accept_hdr_async_with_config(stream, enter, Some(config)),
    )
    .await
    else {
        return;
    };
    if let Some(visit) = visit {
        let _ = timeout(LONGEST_VISIT, echo(socket, &visit)).await;
    }
}

fn enter(request: &Request, porter: &Porter) -> Result<Visit, StatusCode> {
    // A proxy may keep what stands before it.
    let (_, ticket) = request
        .uri()
        .path()
        .rsplit_once(super::PATH)
        .ok_or(StatusCode::NOT_FOUND)?;
    porter.enter(ticket, None).map_err(|refusal| match refusal {
        Refusal::NoTicket => StatusCode::FORBIDDEN,
        Refusal::Ticket | Refusal::Prefix | Refusal::Full => StatusCode::TOO_MANY_REQUESTS,
    })
}

fn refusal(status: StatusCode) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = status;
    response
}

async fn echo(mut socket: WebSocketStream<TcpStream>, visit: &Visit) {
    while let Ok(Some(Ok(message))) = timeout(IDLE, socket.next()).await {
        if !message.is_binary() {
            continue;
        }
        match visit.hear(message.len()) {
            Verdict::Answer => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Verdict::Drop => {}
            Verdict::Leave => return,
        }
    }
}
