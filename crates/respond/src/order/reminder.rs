//! Telling people of orders that run out: not acknowledged, soon to be done, not done, and the head of the
//! agency after the days that the order names: on the board, on lists of work and by the rules of
//! notifications. Each step is told once; of several that passed while the
//! platform did not run, the last.

use web::notify::{self, Kind};

use super::model::{Line, Told};
use super::{actions, store, story};
use crate::desk::Desk;
use crate::error::RespondError;

/// Parts told of in one look; the next look takes the rest.
const PARTS_MAX: u64 = 500;

/// Tells everything that is due now. Returns of how many parts people were told.
///
/// # Errors
/// When the database fails; what was not told is told at the next look.
pub async fn remind(desk: &Desk) -> Result<u64, RespondError> {
    let now = desk.db.now();
    let mut told = 0;
    for (mut part, order) in store::due(desk.db.conn(), now, PARTS_MAX).await? {
        let step = part.due(&order, now);
        let is_new = step > part.told;
        part.told = part.told.max(step);
        if step == Told::Head {
            part.head_at.get_or_insert(now);
        }
        let tx = desk.db.begin_bookkeeping().await?;
        if !store::save_part(tx.conn(), &part, &order, part.state).await? || !is_new {
            tx.commit().await?;
            continue;
        }
        let line = Line {
            agency: Some(part.agency),
            at: now,
            kind: "told".to_owned(),
            author: String::new(),
            text: step.word().to_owned(),
        };
        story::add_line(tx.conn(), desk.db.new_uuid(), order.id, &line).await?;
        let kind = if step == Told::Head { Kind::OrderHead } else { Kind::OrderDue };
        // Given back and late again is told again.
        let about = format!("{}/{}", step.word(), part.returned);
        notify::raise(tx.conn(), &desk.db, &[actions::told(&order, &part, kind, &about)]).await?;
        tx.commit().await?;
        desk.hub.orders_changed(Some(part.agency));
        told += 1;
    }
    Ok(told)
}
