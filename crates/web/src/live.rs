//! Announcements to open pages over one stream (`/live`): what changed, never the thing itself.
//!
//! A page answers by telling its reader ("7 cảnh báo mới") or by asking again for the part that shows
//! it, so scope and permissions are checked where they always are.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use event::AgencyId;
use futures::stream::{Stream, StreamExt as _};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::{Permission, Who, limits};

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What: the address of the list it belongs to (`/alerts`, `/sources`).
    pub place: &'static str,
    /// Whose it is; `None` concerns everyone.
    pub agency: Option<AgencyId>,
    /// Who may know of it.
    pub permission: Permission,
}

/// The announcer: cheap to clone, never blocks.
#[derive(Debug, Clone)]
pub struct Live(broadcast::Sender<Arc<Announcement>>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(limits::LIVE_QUEUE).0)
    }
}

impl Live {
    /// Tells all open pages that may know; nobody listening is fine.
    pub fn announce(&self, announcement: Announcement) {
        // An error only says that no page is open.
        drop(self.0.send(Arc::new(announcement)));
    }

    fn stream(&self, who: Who) -> impl Stream<Item = Result<Message, Infallible>> + use<> {
        BroadcastStream::new(self.0.subscribe()).filter_map(move |heard| {
            let message = match heard {
                Ok(announcement) => {
                    let may = who.may(announcement.permission)
                        && announcement.agency.is_none_or(|agency| who.scope.sees(agency));
                    may.then(|| Message::default().event("changed").data(announcement.place))
                }
                // The page was too slow: whatever it shows may be old.
                Err(_) => Some(Message::default().event("changed").data("*")),
            };
            futures::future::ready(message.map(Ok))
        })
    }
}

/// Serves the stream.
pub(crate) async fn serve(
    Extension(live): Extension<Live>,
    who: Who,
) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    Sse::new(live.stream(who)).keep_alive(KeepAlive::new().interval(Duration::from_secs(20)))
}
