//! The doors for those who measure by browser, from the outside: by clients that are not ours, and by real Chromium.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod chromium;
mod house;
mod page;
mod proxy;
mod relay;
mod renewal;
mod rtc;
mod webrtc;
mod websocket;
mod webtransport;
