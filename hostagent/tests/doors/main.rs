//! The doors for those who measure by browser, from the outside: by clients that are not ours, and by real Chromium.

mod chromium;
mod house;
mod page;
mod relay;
mod renewal;
mod rtc;
mod webrtc;
mod websocket;
mod webtransport;
