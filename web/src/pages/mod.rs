//! The website for clans and organisers. A handler parses, calls one action, and fills a page's struct; templates show.

pub(crate) mod assets;
mod booking;
mod chrome;
pub(crate) mod error;
pub(crate) mod fields;
pub(crate) mod form;
mod match_page;
pub(crate) mod plot;
pub(crate) mod show;

pub(crate) use chrome::Chrome;
