//! The first words of a report: what the incident's room knows, in the language of documents.

use event::{AgencyId, Scope};
use web::figures::{vietnam, whole};
use web::{Lang, Phrase, filters};

use super::model::{Body, Content, DOCUMENT_TYPE, Fact, ReportKind};
use crate::alert::Reason;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, EntryKind, Incident, IncidentStatus};
use crate::notice;

type Moment = chrono::DateTime<chrono::Utc>;

fn vi(key: &'static str) -> String {
    Phrase::key(key).text(Lang::Vi)
}

fn moment(at: Moment) -> String {
    vietnam(at).format("%H:%M %d/%m/%Y").to_string()
}

fn fact(key: &'static str, value: impl Into<String>) -> Fact {
    Fact { name: vi(key), value: value.into() }
}

/// What stands in each report of an agency.
fn frame(desk: &Desk, agency: AgencyId, at: Moment) -> Content {
    let issuer = desk.directory.agency_name_on(agency, at).unwrap_or_default();
    Content {
        issuer,
        symbol: DOCUMENT_TYPE.to_owned(),
        place: vi("report-default-place"),
        addressee: vi("report-default-addressee"),
        title: vi("report-default-title"),
        filed: vi("report-default-filed"),
        ..Content::default()
    }
}

/// Returns the draft of a report on an incident.
pub(super) async fn of_incident(
    desk: &Desk,
    incident: &Incident,
    kind: ReportKind,
) -> Result<Body, RespondError> {
    let conn = desk.db.conn();
    let mut content = frame(desk, incident.agency, incident.detected_at);
    let name = Phrase::key(kind.key()).text(Lang::Vi);
    content.summary = Phrase::key("report-default-summary")
        .arg("kind", name)
        .arg("number", incident.number.as_str())
        .text(Lang::Vi);
    let mut lines = Vec::new();
    let mut done = Vec::new();
    for entry in incident::timeline(conn, incident).await? {
        let text = match entry.kind {
            // How the room works is no part of what happened.
            EntryKind::Reminder | EntryKind::Search => continue,
            EntryKind::Step if entry.text.starts_with("playbook-") => continue,
            EntryKind::Step => step(&entry.text),
            EntryKind::Occurred => format!("{}: {}", vi("incident-line-occurred"), entry.text),
            EntryKind::Detected => format!("{}: {}", vi("incident-line-detected"), entry.text),
            EntryKind::Note => entry.text.clone(),
        };
        let line = format!("- {}: {text}", moment(entry.at));
        if entry.kind == EntryKind::Note {
            done.push(format!("- {text}"));
        }
        lines.push(line);
    }
    content.timeline = lines.join("\n");
    content.measures = done.join("\n");
    content.happened.clone_from(&incident.title);
    content.affected = systems(desk, incident).join("\n");
    if let Some(notice) = notice::of_incident(conn, incident.id).await?.map(|sent| sent.notice) {
        let given = |own: &str, standing: String| {
            if own.is_empty() { standing } else { own.to_owned() }
        };
        content.happened = given(&notice.what, content.happened);
        let named = [notice.place.as_str(), notice.affected.as_str()];
        let named = named.into_iter().filter(|text| !text.is_empty());
        let all = named.chain(content.affected.lines()).collect::<Vec<_>>();
        content.affected = all.join("\n");
        content.measures = given(&notice.done, content.measures);
        if !notice.contact.is_empty() {
            let who = Phrase::key("report-default-contact").arg("who", notice.contact);
            content.proposals = who.text(Lang::Vi);
        }
    }
    if let IncidentStatus::Closed(left) = &incident.status {
        left.cause.as_str().clone_into(&mut content.cause);
        let follows = left.follow_up.as_ref().map(Reason::as_str);
        let lessons = [Some(left.lessons.as_str()), follows];
        content.proposals = lessons.into_iter().flatten().collect::<Vec<_>>().join("\n");
        let cost =
            left.cost.as_ref().map(|text| format!("{}: {}", vi("incident-cost"), text.as_str()));
        let parts = [Some(content.affected.clone()), Some(left.impact.as_str().to_owned()), cost];
        content.affected = parts.into_iter().flatten().collect::<Vec<_>>().join("\n");
    }
    Ok(Body { facts: facts(desk, incident), content })
}

fn step(text: &str) -> String {
    let (word, number) = text.split_once(' ').unwrap_or((text, ""));
    let said = vi(match word {
        "opened" => "incident-line-opened",
        "contained" => "incident-line-contained",
        "closed" => "incident-line-closed",
        "reopened" => "incident-line-reopened",
        "merged-in" => "incident-line-merged-in",
        "merged-into" => "incident-line-merged-into",
        "merged-out" => "incident-line-merged-out",
        "split-off" => "incident-line-split-off",
        "split-from" => "incident-line-split-from",
        _ => "incident-line-reported",
    });
    format!("{said} {number}").trim_end().to_owned()
}

fn systems(desk: &Desk, incident: &Incident) -> Vec<String> {
    let name = |card: crate::SystemCard| match card.level {
        Some(level) => Phrase::key("report-system-level")
            .arg("name", card.name)
            .arg("level", i64::from(level.number()))
            .text(Lang::Vi),
        None => card.name,
    };
    incident.systems.iter().filter_map(|id| desk.directory.system(*id)).map(name).collect()
}

/// Returns the figures of an incident as they are now.
pub(super) fn facts(desk: &Desk, incident: &Incident) -> Vec<Fact> {
    let severity = vi(filters::severity_key(incident.severity));
    let state = vi(match incident.status {
        IncidentStatus::Open => "incident-state-open",
        IncidentStatus::Contained => "incident-state-contained",
        IncidentStatus::Closed(_) => "incident-state-closed",
    });
    let mut facts = vec![
        fact("incident-number", incident.number.as_str()),
        fact("incident-what", incident.title.as_str()),
        fact("alert-severity", severity),
        fact("incident-state", state),
    ];
    let moments = [
        ("incident-occurred", incident.occurred_at),
        ("incident-detected", Some(incident.detected_at)),
        ("incident-reported", incident.reported_at),
        ("incident-contained", incident.contained_at),
        ("incident-closed", incident.closed_at),
    ];
    for (key, at) in moments {
        facts.extend(at.map(|at| fact(key, moment(at))));
    }
    let systems = systems(desk, incident).join("; ");
    if !systems.is_empty() {
        facts.push(fact("alert-system", systems));
    }
    facts
}

/// Returns the draft of a report over a time.
pub(super) async fn of_period(
    desk: &Desk,
    scope: &Scope,
    agency: AgencyId,
    (from, to): (Moment, Moment),
) -> Result<Body, RespondError> {
    let mut content = frame(desk, agency, to);
    let last = to - chrono::TimeDelta::seconds(1);
    content.summary = Phrase::key("report-default-period")
        .arg("from", vietnam(from).format("%d/%m/%Y").to_string())
        .arg("to", vietnam(last).format("%d/%m/%Y").to_string())
        .text(Lang::Vi);
    Ok(Body { facts: counts(desk, scope, agency, (from, to)).await?, content })
}

/// Returns how many incidents an agency had in a time, by severity and state.
pub(super) async fn counts(
    desk: &Desk,
    scope: &Scope,
    agency: AgencyId,
    period: (Moment, Moment),
) -> Result<Vec<Fact>, RespondError> {
    let counted = incident::counts(desk.db.conn(), scope, agency, period).await?;
    let number = |n: u64| whole(i128::from(n), Lang::Vi);
    let all = counted.iter().map(|(_, _, n)| n).sum();
    let open = counted.iter().filter(|(_, open, _)| *open).map(|(_, _, n)| n).sum();
    let mut facts = vec![
        fact("report-count-all", number(all)),
        fact("report-count-closed", number(all.saturating_sub(open))),
        fact("report-count-open", number(open)),
    ];
    for severity in event::Severity::WORST_FIRST {
        let own = counted.iter().filter(|(one, _, _)| *one == severity).map(|(_, _, n)| n).sum();
        let name = Phrase::key("report-count-severity")
            .arg("severity", vi(filters::severity_key(severity)))
            .text(Lang::Vi);
        facts.push(Fact { name, value: number(own) });
    }
    Ok(facts)
}
