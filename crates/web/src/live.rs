//! Announcements to open pages over one stream (`/live`): what changed, never the thing itself.
//!
//! A page answers by telling its reader ("7 cảnh báo mới") or by asking again for the part that shows
//! it, so scope and permissions are checked where they always are. Where several nodes have pages, the application
//! passes on what is announced on one ([`Live::own`]) to the others ([`Live::relay`]).

use std::borrow::Cow;
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
    pub place: Cow<'static, str>,
    /// Whose it is; `None` concerns everyone.
    pub agency: Option<AgencyId>,
    /// Who may know of it.
    pub permission: Permission,
}

impl Announcement {
    /// Returns whether someone may know of it.
    fn is_for(&self, who: &Who) -> bool {
        who.may(self.permission) && self.agency.is_none_or(|agency| who.scope.sees(agency))
    }
}

/// The announcer: cheap to clone, never blocks.
#[derive(Debug, Clone)]
pub struct Live {
    /// To the pages open here; `None` is that anything may have changed.
    pages: broadcast::Sender<Option<Arc<Announcement>>>,
    /// To whoever passes on what is announced here.
    own: broadcast::Sender<Arc<Announcement>>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            pages: broadcast::channel(limits::LIVE_QUEUE).0,
            own: broadcast::channel(limits::LIVE_QUEUE).0,
        }
    }
}

impl Live {
    /// Tells all open pages that may know; nobody listening is fine.
    pub fn announce(&self, announcement: Announcement) {
        let announcement = Arc::new(announcement);
        // An error only says that nobody passes it on, or that no page is open.
        drop(self.own.send(Arc::clone(&announcement)));
        drop(self.pages.send(Some(announcement)));
    }

    /// Tells the pages open here of what was announced elsewhere.
    pub fn relay(&self, announcement: Announcement) {
        drop(self.pages.send(Some(Arc::new(announcement))));
    }

    /// Tells the pages open here that announcements may have been missed: whatever they show may be old.
    pub fn missed(&self) {
        drop(self.pages.send(None));
    }

    /// Returns what is announced here from now on.
    pub fn own(&self) -> broadcast::Receiver<Arc<Announcement>> {
        self.own.subscribe()
    }

    /// Returns what the pages open here hear from now on; `None` is that anything may have changed.
    pub fn heard(&self) -> broadcast::Receiver<Option<Arc<Announcement>>> {
        self.pages.subscribe()
    }

    fn stream(&self, who: Who) -> impl Stream<Item = Result<Message, Infallible>> + use<> {
        BroadcastStream::new(self.heard()).filter_map(move |heard| {
            let place = match heard {
                Ok(Some(announcement)) => {
                    announcement.is_for(&who).then(|| announcement.place.clone())
                }
                // Missed, or the page was too slow: whatever it shows may be old.
                Ok(None) | Err(_) => Some(Cow::Borrowed("*")),
            };
            let message = place.map(|place| Message::default().event("changed").data(place));
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

#[cfg(test)]
mod tests {
    use event::AgencyId;
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::testing::officer_of;

    fn announcement(place: &'static str, agency: u128) -> Announcement {
        Announcement {
            place: Cow::Borrowed(place),
            agency: Some(AgencyId::from_uuid(Uuid::from_u128(agency))),
            permission: Permission::AlertRead,
        }
    }

    #[tokio::test]
    async fn pages_hear_what_their_reader_may_know_and_others_only_what_began_here() {
        let live = Live::default();
        live.announce(announcement("/alerts", 1));
        let mut own = live.own();
        let who = officer_of([AgencyId::from_uuid(Uuid::from_u128(1))]);
        let mut page = Box::pin(live.stream(who));
        let mut heard = || {
            let message = page.next().now_or_never().flatten();
            message.map(|message| format!("{:?}", message.unwrap()))
        };
        assert_eq!(heard(), None, "what was before the page was opened");
        live.announce(announcement("/alerts", 1));
        live.relay(announcement("/incidents", 1));
        live.relay(announcement("/alerts", 2));
        live.missed();
        for place in ["/alerts", "/incidents", "*"] {
            let told = heard().unwrap();
            assert!(told.contains(&format!("data: {place}\\n")), "{place}: {told}");
        }
        assert_eq!(heard(), None, "another agency's");
        assert_eq!(own.try_recv().unwrap().place, "/alerts");
        assert!(own.try_recv().is_err(), "what came from elsewhere is not passed on");
    }
}
