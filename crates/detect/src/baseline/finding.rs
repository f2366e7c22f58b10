//! The findings of baselines.

use event::{Event, Finding, Match, Severity};

use super::BASELINE_LIMIT_RULE;
use super::book::Limit;
use super::spec::{Kind, Spec};
use super::unusual::{Unusual, tenths};
use super::value::Part;
use crate::ast::Rule;
use crate::entity;
use crate::explain::unexplained;
use crate::limits::{BASELINE_BYTES_MAX, BASELINE_FINDINGS_PER_HOUR_MAX};

/// Returns the finding of something unusual: whose habit it breaks, and how.
pub(super) fn of(rule: &Rule, spec: &Spec, event: &Event, unusual: &Unusual) -> Finding {
    let entity: Vec<(String, String)> = spec
        .entity
        .iter()
        .filter_map(|part| Some((part.field.clone(), part.shown(event)?)))
        .collect();
    let mut matched: Vec<Match> = entity
        .iter()
        .map(|(field, value)| Match {
            selection: "group-by".to_owned(),
            field: field.clone(),
            value: value.clone(),
            ..Match::default()
        })
        .collect();
    let fields: Vec<&str> = spec.value.iter().map(|part| part.field.as_str()).collect();
    let values: Vec<String> =
        spec.value.iter().filter_map(|part| Part::shown(part, event)).collect();
    let (field, value) = match (&spec.kind, unusual.measured) {
        (Kind::Volume { sum, .. }, Some(measured)) => {
            (sum.clone().unwrap_or_default(), tenths(measured))
        }
        _ => (fields.join(", "), values.join(" · ")),
    };
    matched.push(Match {
        selection: spec.kind.word().to_owned(),
        field,
        value,
        pattern: unusual.to_string(),
        ..Match::default()
    });
    Finding { entity: entity::of_group(&entity, event), matched, ..unexplained(rule, event) }
}

/// Returns the finding that says that a limit cut something off.
pub(super) fn of_limit(rule: &Rule, event: &Event, limit: Limit) -> Finding {
    let (title, title_vi, cut) = match limit {
        Limit::Memory => (
            "A baseline reached its memory limit and forgot what was unseen for the longest time",
            "Một đường cơ sở đã chạm giới hạn bộ nhớ và quên những gì lâu nhất chưa thấy lại",
            format!("at most {BASELINE_BYTES_MAX} bytes"),
        ),
        Limit::Findings => (
            "A baseline found more unusual things in an hour than it lists",
            "Một đường cơ sở thấy trong một giờ nhiều điều bất thường hơn mức được liệt kê",
            format!("at most {BASELINE_FINDINGS_PER_HOUR_MAX} findings an hour"),
        ),
    };
    Finding {
        rule: BASELINE_LIMIT_RULE.to_owned(),
        title: title.to_owned(),
        title_vi: Some(title_vi.to_owned()),
        severity: Severity::Medium,
        tags: Vec::new(),
        entity: entity::source(event),
        matched: vec![Match {
            selection: rule.info.id.clone(),
            value: rule.info.title.clone(),
            pattern: cut,
            ..Match::default()
        }],
        ..unexplained(rule, event)
    }
}
