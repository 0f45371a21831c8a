
mod chromium;
mod house;
mod relay;
mod renewal;
mod rtc;
mod webrtc;
mod websocket;
mod webtransport;
