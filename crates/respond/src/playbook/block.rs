//! The step that puts an incident's observables on the list of indicators: asked for by one, carried out when
//! another approves.

use async_trait::async_trait;
use cacao::Act;
use db::Tx;
use event::observable::{Observable, ObservableKind};
use event::{AccountId, IncidentId, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use web::approval::{Ask, Grave};
use web::{AppError, Permission, Phrase, Who};

use super::model::Run;
use super::{run, store};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, Incident};
use crate::{indicator, room};

/// The act of putting an incident's observables on the list.
const BLOCK: &str = "indicator.block";

/// What was asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    incident: IncidentId,
    run: Uuid,
    step: String,
    /// Kind and value.
    observables: Vec<(String, String)>,
    account: AccountId,
    name: String,
}

impl Wanted {
    fn all(&self) -> Vec<Observable> {
        let one = |(kind, value): &(String, String)| {
            let kind = ObservableKind::from_word(kind)?;
            Some(Observable { kind, value: value.clone() })
        };
        self.observables.iter().filter_map(one).collect()
    }
}

/// What came of a press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// They are on the list.
    Done,
    /// A second person is asked.
    Asked,
}

/// Asks a second person, or does it at once where there is none.
pub(super) async fn press(
    desk: &Desk,
    who: &Who,
    (id, of): (IncidentId, Uuid),
    step: &str,
) -> Result<Pressed, AppError> {
    who.require(Permission::IndicatorChange)?;
    let handler = Handler::from(who);
    let (incident, wanted) = wanted(desk, &handler, (id, of), step).await?;
    if desk.approvals.is_needed(who, Permission::IndicatorChange).await? {
        let shown: Vec<String> =
            wanted.all().iter().take(SHOWN).map(Observable::defanged).collect();
        let summary = Phrase::key("playbook-block-summary")
            .arg("number", incident.number.as_str())
            .arg("count", wanted.observables.len())
            .arg("values", shown.join(", "));
        let ask = Ask {
            action: BLOCK,
            subject_kind: "playbook_run",
            subject_id: format!("{of}/{step}"),
            agency: Some(incident.agency),
            summary,
            reason: Phrase::key("playbook-block-reason").text(web::Lang::Vi),
            payload: serde_json::to_value(&wanted).map_err(AppError::internal)?,
        };
        desk.approvals.ask(who, ask).await?;
        note_asked(desk, &handler, (id, of), step).await?;
        return Ok(Pressed::Asked);
    }
    at_once(desk, &handler, wanted).await?;
    Ok(Pressed::Done)
}

/// Values that the request names; the approver sees all of them in the room.
const SHOWN: usize = 10;

async fn wanted(
    desk: &Desk,
    who: &Handler,
    (id, of): (IncidentId, Uuid),
    step: &str,
) -> Result<(Incident, Wanted), RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let run = store::run(conn, &family, of).await?;
    if !matches!(run::act_of(&run, step)?, Some(Act::Block)) || run.open(step).is_none() {
        return Err(RespondError::Conflict("playbook-error-step"));
    }
    let all = room::shown_observables(conn, &family).await?;
    let refusals = indicator::refusals(desk, &all).await?;
    let may: Vec<&Observable> = all
        .iter()
        .zip(&refusals)
        .filter(|(_, refusal)| refusal.is_none())
        .map(|(one, _)| one)
        .collect();
    if may.is_empty() {
        return Err(RespondError::Conflict("playbook-error-nothing"));
    }
    let observables =
        may.iter().map(|one| (one.kind.word().to_owned(), one.value.clone())).collect();
    let (account, name) = (who.account, who.name.clone());
    Ok((
        incident,
        Wanted { incident: id, run: of, step: step.to_owned(), observables, account, name },
    ))
}

async fn note_asked(
    desk: &Desk,
    who: &Handler,
    (id, of): (IncidentId, Uuid),
    step: &str,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let (incident, mut run) = run::opened(&tx, who, (id, of)).await?;
    if let Some(note) = run.way.notes.get_mut(step) {
        note.asked_at = Some(tx.now());
    }
    store::save_run(&tx, &mut run).await?;
    let detail = serde_json::json!({ "number": incident.number, "run": of, "step": step });
    incident::commit(desk, tx, who, "incident.playbook-block-ask", &incident, detail).await
}

async fn at_once(desk: &Desk, who: &Handler, wanted: Wanted) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let (incident, run) = carry_out(desk, &tx, who, &wanted).await?;
    let detail = serde_json::json!({
        "number": incident.number, "run": run.id, "observables": wanted.observables.len(),
        "second_person": "none there",
    });
    incident::commit(desk, tx, who, "incident.playbook-block", &incident, detail).await?;
    desk.lookout.changed();
    Ok(())
}

async fn carry_out(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    wanted: &Wanted,
) -> Result<(Incident, Run), RespondError> {
    let all = wanted.all();
    // Asked again: a system may have been registered meanwhile.
    let refusals = indicator::refusals(desk, &all).await?;
    let may: Vec<Observable> = all
        .into_iter()
        .zip(refusals)
        .filter(|(_, refusal)| refusal.is_none())
        .map(|(one, _)| one)
        .collect();
    let (incident, mut run) = run::opened(tx, who, (wanted.incident, wanted.run)).await?;
    if run.open(&wanted.step).is_none() {
        return Err(RespondError::Conflict("playbook-error-step"));
    }
    let named = run.playbook()?.name;
    let terms = indicator::terms((incident.id, &incident.number), named.vietnamese(), tx.now());
    let by = (who.account, who.name.as_str());
    indicator::put(tx, by, &may, &terms).await?;
    run.finish(&wanted.step, &who.name, tx.now());
    if let Some(note) = run.way.notes.get_mut(&wanted.step) {
        note.count = Some(may.len() as u64);
        note.href = Some(format!("/indicators?incident={}", incident.id));
    }
    run::settle(desk, tx, who, &incident, &mut run).await?;
    Ok((incident, run))
}

/// Puts what was asked for on the list, when another approves.
#[derive(Debug)]
pub(crate) struct BlockApproved {
    pub(crate) desk: Desk,
}

#[async_trait]
impl Grave for BlockApproved {
    fn action(&self) -> &'static str {
        BLOCK
    }

    fn key(&self) -> &'static str {
        "playbook-approve-block"
    }

    fn permission(&self) -> Permission {
        Permission::IndicatorChange
    }

    async fn carry_out(&self, tx: &Tx, payload: &Value) -> Result<(), AppError> {
        let wanted: Wanted = serde_json::from_value(payload.clone()).map_err(AppError::internal)?;
        let scope = Scope::province(wanted.account);
        let who = Handler { account: wanted.account, name: wanted.name.clone(), scope };
        let (incident, _) = carry_out(&self.desk, tx, &who, &wanted).await?;
        // The commit follows at once; whoever looks before it looks again.
        self.desk.hub.incidents_changed(incident.agency);
        self.desk.lookout.changed();
        Ok(())
    }
}
