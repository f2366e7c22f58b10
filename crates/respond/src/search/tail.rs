//! The live tail: events that match, as they are stored, to one open page.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as Message, KeepAlive, Sse};
use event::Scope;
use event::query::{Highlighter, Matcher, Query};
use futures::stream::{self, Stream};

use crate::desk::Desk;
use crate::event_line::EventLine;

/// Events of one batch that a page gets: nobody reads faster.
const EVENTS_PER_MESSAGE: usize = 50;

/// Returns the stream, unless too many are open. Each message is a JSON array of event lines.
pub(super) fn stream(
    desk: &Desk,
    scope: Scope,
    query: &Query,
) -> Option<Sse<impl Stream<Item = Result<Message, Infallible>> + use<>>> {
    let tail = desk.hub.tail()?;
    let directory = std::sync::Arc::clone(&desk.directory);
    let (matcher, sought) = (Matcher::new(query), Highlighter::new(query));
    let messages = stream::unfold(
        (tail, scope, matcher, sought, directory),
        |(mut tail, scope, matcher, sought, directory)| async move {
            loop {
                let batch = tail.next().await?;
                let lines: Vec<EventLine> = batch
                    .iter()
                    .filter(|event| scope.sees_origin(&event.origin) && matcher.matches(event))
                    .take(EVENTS_PER_MESSAGE)
                    .map(|event| EventLine::found(event, &sought, directory.as_ref()))
                    .collect();
                if lines.is_empty() {
                    continue;
                }
                let Ok(message) = Message::default().event("events").json_data(&lines) else {
                    continue;
                };
                return Some((Ok(message), (tail, scope, matcher, sought, directory)));
            }
        },
    );
    Some(Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}
