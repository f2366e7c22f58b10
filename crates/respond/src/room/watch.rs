//! One press from an incident's observable to the list of indicators, and all of a room's at once.

use event::IncidentId;
use event::observable::Observable;
use serde_json::json;
use uuid::Uuid;
use web::Phrase;

use super::model::Kept;
use super::store;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;
use crate::indicator::{self, Refusal};

/// What became of the observables of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Watched {
    /// How many are on the list now that were not.
    pub(super) new: usize,
    /// How many stood there.
    pub(super) standing: usize,
    /// Those that are refused, and why.
    pub(super) refused: Vec<(Observable, Refusal)>,
}

impl Watched {
    /// Returns what is said of it; of the refused ones the first is named.
    pub(super) fn notice(&self) -> Phrase {
        let counts = |key| Phrase::key(key).arg("new", self.new).arg("standing", self.standing);
        match self.refused.first() {
            None => counts("room-done-watched"),
            Some((one, _)) => counts("room-done-watched-some")
                .arg("refused", self.refused.len())
                .arg("first", one.defanged()),
        }
    }
}

/// Puts one observable of an incident on the list; refused, it says why.
pub(super) async fn one(
    desk: &Desk,
    who: &Handler,
    (id, observable): (IncidentId, Uuid),
) -> Result<Watched, RespondError> {
    let family = incident::family(desk.db.conn(), id).await?;
    incident::get(desk.db.conn(), &who.scope, id).await?;
    let all = store::observables(desk.db.conn(), &family).await?;
    let own: Vec<Kept> = all.into_iter().filter(|one| one.id == observable).collect();
    if own.is_empty() {
        return Err(RespondError::NotFound);
    }
    let watched = put(desk, who, id, own).await?;
    match watched.refused.first() {
        None => Ok(watched),
        Some((one, refusal)) => {
            let phrase = refusal.phrase(one);
            Err(RespondError::Told { field: "observable", phrase })
        }
    }
}

/// Puts all observables of an incident on the list that may stand there.
pub(super) async fn all(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
) -> Result<Watched, RespondError> {
    incident::get(desk.db.conn(), &who.scope, id).await?;
    let family = incident::family(desk.db.conn(), id).await?;
    let all = store::observables(desk.db.conn(), &family).await?;
    if all.is_empty() {
        return Err(RespondError::Conflict("room-error-watch-none"));
    }
    put(desk, who, id, all).await
}

async fn put(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    all: Vec<Kept>,
) -> Result<Watched, RespondError> {
    let values: Vec<Observable> = all.iter().map(|one| one.observable.clone()).collect();
    let refusals = indicator::refusals(desk, &values).await?;
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let mut watched = Watched::default();
    let mut told = Vec::new();
    for (one, refusal) in all.into_iter().zip(refusals) {
        if let Some(refusal) = refusal {
            watched.refused.push((one.observable, refusal));
            continue;
        }
        let terms = indicator::terms((id, &incident.number), &one.note, tx.now());
        let by = (who.account, who.name.as_str());
        let fresh = indicator::put(&tx, by, std::slice::from_ref(&one.observable), &terms).await?;
        if fresh.is_empty() {
            watched.standing += 1;
        } else {
            watched.new += 1;
            told.push(one.observable.defanged());
        }
    }
    if told.is_empty() {
        tx.rollback().await?;
        return Ok(watched);
    }
    let detail = json!({
        "number": incident.number, "indicators": told, "refused": watched.refused.len(),
    });
    incident::commit(desk, tx, who, "incident.watch", &incident, detail).await?;
    desk.lookout.changed();
    Ok(watched)
}
