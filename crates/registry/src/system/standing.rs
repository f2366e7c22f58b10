//! How one system stands: six lights, each measured and dated, and what is still missing with the next
//! thing to do. Computed when asked; nothing of it is declared.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::{AppError, Lang, Phrase, Who};

use super::model::{System, SystemState};
use crate::gate::{self, Lack, LackRow, Paper};
use crate::law::{Law, told};
use crate::profile::{self, SystemProfile};
use crate::source::SourceRow;
use crate::{Registry, failed, quality, vietnam_day};

/// One light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Light {
    /// `dossier`, `logs`, `weaknesses`, `layers`, `people` or `drills`.
    pub(crate) name: &'static str,
    /// `ok`, `warn`, `bad` or `quiet` (nothing is asked).
    pub(crate) tone: &'static str,
    /// What was measured, in the reader's language.
    pub(crate) text: String,
    /// The day of the newest evidence.
    pub(crate) at: Option<NaiveDate>,
    /// Where the evidence is.
    pub(crate) href: String,
    #[serde(skip)]
    pub(crate) key: &'static str,
}

/// Something missing, with where to do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ToDo {
    /// What is missing.
    pub(crate) what: String,
    /// Why it matters: the clause, or a sentence.
    pub(crate) why: String,
    /// Where to do it.
    pub(crate) href: String,
}

/// How a system stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Standing {
    pub(crate) lights: Vec<Light>,
    pub(crate) todo: Vec<ToDo>,
    /// Logs that its level asks for and no live source brings, by name.
    pub(crate) logs_missing: Vec<String>,
    /// Until when an override lets it run without.
    pub(crate) override_until: Option<DateTime<Utc>>,
    /// Whether its level may have to be determined again.
    pub(crate) flagged: bool,
    /// Whether it is on the list of critical systems.
    pub(crate) critical: bool,
    /// How far its record can be relied on.
    pub(crate) quality: quality::Card,
}

/// What a system's standing is made of.
struct Ground<'a> {
    system: &'a System,
    profile: SystemProfile,
    papers: Vec<Paper>,
    lacks: Vec<Lack>,
    sources: &'a [SourceRow],
    day: NaiveDate,
    lang: Lang,
}

/// Returns how a system stands at this moment.
pub(crate) async fn standing(
    registry: &Registry,
    who: &Who,
    system: &System,
    sources: &[SourceRow],
) -> Result<Standing, AppError> {
    let (conn, now) = (registry.db.conn(), registry.db.now());
    let profile = profile::of(conn, system).await.map_err(failed)?;
    let papers = gate::papers(conn, system).await.map_err(failed)?;
    let given = gate::overrides_of_all(conn, &[system.id], now).await.map_err(failed)?;
    let day = vietnam_day(now);
    let snapshot = registry.directory.snapshot();
    let whole = quality::Ground::new(&snapshot, &registry.health, now);
    let checks = quality::of_system(&whole, system, &profile, &papers);
    let lacks = gate::lacks(Law::builtin(), (system.level, profile.critical), &papers, day);
    let ground = Ground { system, profile, papers, lacks, sources, day, lang: who.lang };
    let logs_missing = ground.logs_missing();
    Ok(Standing {
        lights: ground.lights(&logs_missing),
        todo: ground.todo(&logs_missing),
        logs_missing,
        override_until: given.get(&system.id).map(|given| given.expires_at),
        flagged: ground.profile.flagged_at.is_some(),
        critical: ground.profile.critical,
        quality: quality::card(&checks, who.lang),
    })
}

impl Ground<'_> {
    /// The logs that the level asks for and that no live source's parser brings.
    fn logs_missing(&self) -> Vec<String> {
        let Some(level) = self.system.level else { return Vec::new() };
        let brings = |product: &String| {
            self.sources
                .iter()
                .any(|source| source.status == "live" && source.parser.contains(product.as_str()))
        };
        Law::builtin()
            .logs(level.number(), self.day)
            .filter(|log| !log.products.iter().any(brings))
            .map(|log| told(&log.vi, &log.en, self.lang).to_owned())
            .collect()
    }

    fn lights(&self, logs_missing: &[String]) -> Vec<Light> {
        vec![
            self.by_papers("dossier", "system-light-dossier"),
            self.logs(logs_missing),
            self.by_papers("weaknesses", "system-light-weaknesses"),
            self.by_papers("layers", "system-light-layers"),
            self.people(),
            self.by_papers("drills", "system-light-drills"),
        ]
    }

    /// A light that papers of its kinds feed.
    fn by_papers(&self, name: &'static str, key: &'static str) -> Light {
        let law = Law::builtin();
        let of_light = |id: &str| law.paper_kind(id).is_some_and(|kind| kind.light == name);
        let lacking = self.lacks.iter().filter(|lack| of_light(&lack.id)).count();
        let lacking = lacking + usize::from(name == "dossier" && self.system.level.is_none());
        let counting = |paper: &&Paper| of_light(&paper.kind) && paper.counts(law, self.day);
        let newest = self.papers.iter().filter(counting).map(|paper| paper.issued_on).max();
        let (tone, text) = if lacking > 0 {
            ("bad", Phrase::key("system-light-lacking").arg("count", lacking))
        } else if newest.is_some() {
            ("ok", Phrase::key("system-light-whole"))
        } else {
            ("quiet", Phrase::key("system-light-nothing"))
        };
        let href = format!("/systems/{}/papers", self.system.id);
        Light { name, tone, text: text.text(self.lang), at: newest, href, key }
    }

    fn logs(&self, missing: &[String]) -> Light {
        let live = self.sources.iter().filter(|source| source.status == "live").count();
        let enabled = self.sources.iter().filter(|source| source.status != "disabled").count();
        let needs = self.system.level.is_some_and(|level| level.number() >= 3);
        let in_use = self.system.state == SystemState::Running;
        let tone = match (in_use, live, enabled) {
            (true, 0, _) if needs || enabled > 0 => "bad",
            (false, _, _) | (true, 0, _) => "quiet",
            (true, _, _) if live < enabled || !missing.is_empty() => "warn",
            _ => "ok",
        };
        let text = if enabled == 0 {
            Phrase::key("registry-system-no-source")
        } else {
            Phrase::key("registry-system-live").arg("live", live).arg("sources", enabled)
        };
        let newest = self.sources.iter().filter_map(|source| source.last_collected_at).max();
        Light {
            name: "logs",
            tone,
            text: text.text(self.lang),
            at: newest.map(vietnam_day),
            href: format!("/sources?system={}", self.system.id),
            key: "system-light-logs",
        }
    }

    /// Someone answers for it: on-site force named, a person, a phone at night.
    fn people(&self) -> Light {
        let mut light = self.by_papers("people", "system-light-people");
        let reachable = !self.system.duty_phone.is_empty() && !self.system.owner_contact.is_empty();
        if !reachable {
            light.tone = "bad";
            light.text = Phrase::key("system-light-nobody").text(self.lang);
            light.href = format!("/systems/{}/edit", self.system.id);
        }
        light
    }

    fn todo(&self, logs_missing: &[String]) -> Vec<ToDo> {
        let id = self.system.id;
        let say = |key: &'static str| Phrase::key(key).text(self.lang);
        let mut todo = Vec::new();
        if self.profile.flagged_at.is_some() {
            let href = format!("/systems/{id}/profile");
            todo.push(ToDo { what: say("profile-flagged"), why: say("system-todo-flag"), href });
        }
        if self.profile.facts.types.is_empty() || self.profile.facts.info_classes.is_empty() {
            let href = format!("/systems/{id}/profile");
            todo.push(ToDo {
                what: say("system-todo-profile"),
                why: say("system-todo-profile-why"),
                href,
            });
        }
        let proposal = profile::proposal_of(&self.profile.facts, self.day, self.lang);
        if self.system.level.is_some()
            && proposal.level > self.system.level
            && let Some(first) = proposal.reasons.first()
        {
            let href = format!("/systems/{id}/profile");
            todo.push(ToDo { what: say("profile-too-low"), why: first.clause.clone(), href });
        }
        for lack in &self.lacks {
            let row = LackRow::new(lack.clone(), self.lang);
            let what = format!("{}: {}", row.title, say(row.why_key));
            let level_first = row.id == "level";
            let page = if level_first { "profile" } else { "papers" };
            todo.push(ToDo { what, why: row.clause, href: format!("/systems/{id}/{page}") });
        }
        if self.system.duty_phone.is_empty() || self.system.owner_contact.is_empty() {
            let href = format!("/systems/{id}/edit");
            todo.push(ToDo {
                what: say("system-light-nobody"),
                why: say("system-todo-nobody-why"),
                href,
            });
        }
        if self.system.state == SystemState::Running && !logs_missing.is_empty() {
            let what = Phrase::key("system-todo-logs").arg("logs", logs_missing.join(", "));
            let href = format!("/sources/new?system={id}");
            todo.push(ToDo { what: what.text(self.lang), why: say("system-todo-logs-why"), href });
        }
        todo
    }
}
