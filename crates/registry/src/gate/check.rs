//! What a system lacks for operation, by the law in force on a day. Pure.

use chrono::NaiveDate;
use event::Level;

use super::model::{LEVEL_DECISION, Paper};
use crate::law::{Law, PaperKind};

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The paper's kind, or `level`.
    pub id: String,
    /// Where the law asks for it.
    pub clause: String,
    /// What is the matter with it.
    pub why: Why,
}

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is none.
    Missing,
    /// There was one, it no longer counts.
    Expired,
    /// The decision is for another level than the one in effect.
    OtherLevel,
    /// The level itself is not determined.
    NoLevel,
}

/// Returns what a system of this level lacks on a day. Without a level it is held to what every level
/// needs. A critical system is held to level 5's list, as the decree has it prepared (Điều 18).
pub fn lacks(
    law: &Law,
    standing: (Option<Level>, bool),
    papers: &[Paper],
    day: NaiveDate,
) -> Vec<Lack> {
    let (level, critical) = standing;
    let mut found = Vec::new();
    if level.is_none() {
        let clause = law.paper_kind(LEVEL_DECISION).map(|kind| kind.clause.clone());
        let id = "level".to_owned();
        found.push(Lack { id, clause: clause.unwrap_or_default(), why: Why::NoLevel });
    }
    let height = if critical { 5 } else { level.map_or(1, Level::number) };
    for kind in law.needed(height, day) {
        if let Some(why) = lack_of(law, kind, level, papers, day) {
            found.push(Lack { id: kind.id.clone(), clause: kind.clause.clone(), why });
        }
    }
    found
}

fn lack_of(
    law: &Law,
    kind: &PaperKind,
    level: Option<Level>,
    papers: &[Paper],
    day: NaiveDate,
) -> Option<Why> {
    let of_kind =
        || papers.iter().filter(|paper| paper.kind == kind.id && paper.withdrawn_at.is_none());
    let mut counting = of_kind().filter(|paper| paper.counts(law, day)).peekable();
    if counting.peek().is_none() {
        return Some(if of_kind().next().is_some() { Why::Expired } else { Why::Missing });
    }
    if kind.id == LEVEL_DECISION && level.is_some() {
        // The newest decision is the one that holds.
        let newest = counting.max_by_key(|paper| (paper.issued_on, paper.created_at));
        return newest.filter(|paper| paper.level != level).map(|_| Why::OtherLevel);
    }
    None
}
