//! The ATT&CK matrix: for each technique, how many loaded rules look for it, and how many of these can
//! fire with the logs that arrive; also as a layer for the ATT&CK Navigator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use askama::Template;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Lang, filters};

use super::coverage::{self, CoverageRow, tactics};
use super::seen::{self, LookBack};
use crate::alert::Choice;

/// What ATT&CK calls its tactics and techniques.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../../content/attack.toml")).unwrap_or_default()
});

/// What tactics were called before ATT&CK renamed them; rules live longer than names.
const RENAMED: [(&str, &str); 1] = [("defense-evasion", "stealth")];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    tactic: Vec<Tactic>,
    technique: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tactic {
    id: String,
    name: String,
    en: String,
    vi: String,
    techniques: Vec<String>,
}

/// A column of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttackTactic {
    /// ATT&CK's id (`TA0001`).
    pub id: String,
    /// Its English name.
    pub en: String,
    /// Its Vietnamese name.
    pub vi: String,
    /// Techniques that at least one rule which can fire looks for.
    pub watched: u64,
    /// Its techniques, those that are watched first.
    pub techniques: Vec<AttackTechnique>,
}

impl AttackTactic {
    /// Returns how many techniques it has.
    pub fn size(&self) -> u64 {
        self.techniques.len() as u64
    }
}

/// A cell of the matrix; its sub-techniques count with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttackTechnique {
    /// ATT&CK's id (`T1059`).
    pub id: String,
    /// ATT&CK's name; the id where the platform's list does not have it.
    pub name: String,
    /// Rules for it that can fire.
    pub ready: u64,
    /// All loaded rules for it.
    pub rules: u64,
    /// These rules in the list.
    pub href: String,
}

impl AttackTechnique {
    /// Returns `ready`, `partly`, `waiting` (rules, but not one can fire) or `none`.
    pub const fn state(&self) -> &'static str {
        match (self.ready, self.rules) {
            (_, 0) => "none",
            (0, _) => "waiting",
            (ready, rules) if ready < rules => "partly",
            _ => "ready",
        }
    }

    /// Returns the key of the state's words.
    pub const fn state_key(&self) -> &'static str {
        match (self.ready, self.rules) {
            (_, 0) => "rule-attack-none",
            (0, _) => "rule-attack-waiting",
            (ready, rules) if ready < rules => "rule-attack-partly",
            _ => "rule-attack-ready",
        }
    }
}

/// The matrix.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "rule/attack.html")]
pub struct AttackPage {
    /// Techniques that at least one rule which can fire looks for.
    pub watched: u64,
    /// Techniques that only rules look for which cannot fire.
    pub waiting: u64,
    /// All techniques.
    pub techniques: u64,
    /// The columns, in ATT&CK's order.
    pub tactics: Vec<AttackTactic>,
    /// How far back is looked, to choose from.
    pub spans: Vec<Choice>,
    /// Whether less was looked at than was asked for: the past day, or the newest events.
    pub partial: bool,
}

impl AttackPage {
    /// Returns the word of the time that was asked for.
    pub fn range(&self) -> &str {
        seen::chosen(&self.spans)
    }
}

/// How many rules look for one thing, and how many of them can fire.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Share {
    ready: u64,
    rules: u64,
}

/// Returns the techniques among tags, in capitals (`T1059.001`).
fn techniques(tags: &[String]) -> impl Iterator<Item = String> {
    tags.iter().filter_map(|tag| {
        let id = tag.strip_prefix("attack.")?.to_ascii_uppercase();
        let number = id.strip_prefix('T')?;
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.');
        is_number.then_some(id)
    })
}

fn parent(technique: &str) -> &str {
    technique.split_once('.').map_or(technique, |(parent, _)| parent)
}

/// Returns whether tags name a technique or one of its sub-techniques.
pub(super) fn names(tags: &[String], technique: &str) -> bool {
    techniques(tags).any(|own| own == technique || parent(&own) == technique)
}

/// Returns the matrix of these rules, judged by the logs of this time.
pub(super) fn page(rows: &[CoverageRow], partial: bool, back: LookBack, lang: Lang) -> AttackPage {
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    // Where a technique stands that the list does not have.
    let mut placed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let own: BTreeSet<String> =
            techniques(&row.tags).map(|technique| parent(&technique).to_owned()).collect();
        for technique in own {
            let share = shares.entry(technique.clone()).or_default();
            share.ready += u64::from(row.status == "can_fire");
            share.rules += 1;
            if !CATALOGUE.technique.contains_key(&technique) {
                placed.entry(technique).or_default().extend(tactics(&row.tags).map(renamed));
            }
        }
    }
    let all: BTreeSet<&String> = CATALOGUE.technique.keys().chain(shares.keys()).collect();
    let is =
        |technique: &String, state: fn(&Share) -> bool| shares.get(technique).is_some_and(state);
    AttackPage {
        watched: all.iter().filter(|id| is(id, |share| share.ready > 0)).count() as u64,
        waiting: all.iter().filter(|id| is(id, |share| share.ready == 0)).count() as u64,
        techniques: all.len() as u64,
        tactics: CATALOGUE.tactic.iter().map(|own| column(own, &shares, &placed, back)).collect(),
        spans: back.choices(lang),
        partial,
    }
}

fn renamed(tactic: String) -> String {
    let now = RENAMED.iter().find(|(before, _)| *before == tactic);
    now.map_or(tactic, |(_, now)| (*now).to_owned())
}

fn column(
    tactic: &Tactic,
    shares: &BTreeMap<String, Share>,
    placed: &BTreeMap<String, BTreeSet<String>>,
    back: LookBack,
) -> AttackTactic {
    let stands_here = |(_, names): &(&String, &BTreeSet<String>)| names.contains(&tactic.name);
    let others = placed.iter().filter(stands_here).map(|(id, _)| id);
    let cell = |id: &String| {
        let Share { ready, rules } = shares.get(id).copied().unwrap_or_default();
        AttackTechnique {
            name: CATALOGUE.technique.get(id).unwrap_or(id).clone(),
            href: coverage::address(back).with("technique", id).to_string(),
            id: id.clone(),
            ready,
            rules,
        }
    };
    let mut techniques: Vec<AttackTechnique> =
        tactic.techniques.iter().chain(others).map(cell).collect();
    techniques.sort_by(|a, b| {
        let order = |own: &AttackTechnique| (own.ready, own.rules);
        order(b).cmp(&order(a)).then_with(|| a.name.cmp(&b.name))
    });
    AttackTactic {
        id: tactic.id.clone(),
        en: tactic.en.clone(),
        vi: tactic.vi.clone(),
        watched: techniques.iter().filter(|own| own.ready > 0).count() as u64,
        techniques,
    }
}

/// Returns a layer for the ATT&CK Navigator (layer format 4.5): techniques and sub-techniques with the
/// share, in percent, of their rules that can fire. `rules` are the tags of each rule, and whether it
/// can fire.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
pub fn navigator_layer<'a>(
    name: &str,
    rules: impl IntoIterator<Item = (&'a [String], bool)>,
) -> serde_json::Value {
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    for (tags, can_fire) in rules {
        let named: BTreeSet<String> = techniques(tags)
            .flat_map(|technique| [parent(&technique).to_owned(), technique])
            .collect();
        for technique in named {
            let share = shares.entry(technique).or_default();
            share.ready += u64::from(can_fire);
            share.rules += 1;
        }
    }
    let techniques: Vec<serde_json::Value> = shares
        .into_iter()
        .map(|(id, Share { ready, rules })| {
            serde_json::json!({
                "techniqueID": id,
                "score": ready * 100 / rules.max(1),
                "comment": format!("{ready}/{rules}"),
                "enabled": true,
                "metadata": [
                    { "name": "rules that can fire", "value": ready.to_string() },
                    { "name": "rules", "value": rules.to_string() },
                ],
            })
        })
        .collect();
    serde_json::json!({
        "name": name,
        "versions": { "attack": "19", "navigator": "5.1.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": "share of the loaded rules for each technique that can fire with the logs that arrive",
        "techniques": techniques,
        "gradient": { "colors": ["#f4d9d6", "#fdf1c7", "#bfe3c6"], "minValue": 0, "maxValue": 100 },
        "sorting": 3,
        "hideDisabled": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tags: &[&str], status: &'static str) -> CoverageRow {
        CoverageRow {
            id: tags.join(" "),
            title: String::new(),
            title_vi: None,
            level: None,
            logsource: String::new(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            status,
            missing: Vec::new(),
            sources: Vec::new(),
            advice: None,
        }
    }

    fn cell<'a>(page: &'a AttackPage, tactic: &str, technique: &str) -> &'a AttackTechnique {
        let column = page.tactics.iter().find(|own| own.id == tactic).unwrap();
        column.techniques.iter().find(|own| own.id == technique).unwrap()
    }

    #[test]
    fn the_list_of_attack_is_whole() {
        assert_eq!(CATALOGUE.tactic.len(), 15);
        let standing: BTreeSet<&String> =
            CATALOGUE.tactic.iter().flat_map(|tactic| &tactic.techniques).collect();
        assert_eq!(standing, CATALOGUE.technique.keys().collect());
    }

    #[test]
    fn a_technique_counts_its_rules_once_and_those_that_can_fire() {
        let rows = [
            row(&["attack.execution", "attack.t1059.001", "attack.t1059.003"], "can_fire"),
            row(&["attack.execution", "attack.t1059"], "log_never_seen"),
            row(&["attack.impact", "attack.t1486"], "log_never_seen"),
            row(&["attack.defense_evasion", "attack.t9999", "attack.g0016"], "can_fire"),
            row(&["cve.2021-44228"], "can_fire"),
        ];
        let page = page(&rows, false, LookBack::Day, Lang::Vi);
        let shell = cell(&page, "TA0002", "T1059");
        assert_eq!((shell.ready, shell.rules, shell.state()), (1, 2, "partly"));
        assert_eq!(shell.href, "/rules/coverage?technique=T1059");
        assert_eq!(cell(&page, "TA0040", "T1486").state(), "waiting");
        assert_eq!(cell(&page, "TA0040", "T1485").state(), "none");
        // What the list does not have stands where its rules say, by today's name of the tactic.
        assert_eq!(cell(&page, "TA0005", "T9999").name, "T9999");
        assert_eq!((page.watched, page.waiting), (2, 1));
        assert_eq!(page.techniques, CATALOGUE.technique.len() as u64 + 1);
        let first = page.tactics.iter().find(|own| own.id == "TA0002").unwrap();
        assert_eq!((first.techniques[0].id.as_str(), first.watched), ("T1059", 1));
    }

    #[test]
    fn the_navigator_reads_shares_of_techniques_and_sub_techniques() {
        let one = ["attack.t1059.001".to_owned()];
        let other = ["attack.t1059".to_owned()];
        let layer = navigator_layer("x", [(&one[..], true), (&other[..], false)]);
        let scores: Vec<(&str, u64)> = layer["techniques"]
            .as_array()
            .unwrap()
            .iter()
            .map(|own| (own["techniqueID"].as_str().unwrap(), own["score"].as_u64().unwrap()))
            .collect();
        assert_eq!(scores, [("T1059", 50), ("T1059.001", 100)]);
        assert_eq!(
            (layer["domain"].as_str(), layer["versions"]["layer"].as_str()),
            (Some("enterprise-attack"), Some("4.5"))
        );
    }
}
