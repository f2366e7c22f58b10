//! Which rules can fire with the logs that arrive, as people see it: the engine's verdict with what an
//! administrator must turn on.

use std::sync::LazyLock;

use detect::{Readiness, RuleSet, Seen};
use event::LogSource;
use respond::rule::{FirstStep, RuleReadiness};
use serde::Deserialize;

/// The advice, as data.
static ADVICE: LazyLock<Vec<Advice>> = LazyLock::new(|| {
    let text = include_str!("../../../content/log_advice.toml");
    match toml::from_str::<AdviceFile>(text) {
        Ok(file) => file.log,
        Err(error) => {
            tracing::error!(%error, "the advice on logs cannot be read");
            Vec::new()
        }
    }
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdviceFile {
    log: Vec<Advice>,
}

/// What to turn on for one log source, or for some fields of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advice {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    vi: String,
    en: String,
}

impl Advice {
    /// Returns how much of what is missing the advice speaks of; `None` if it is about something else.
    fn fits(&self, logsource: &LogSource, missing: &[String]) -> Option<usize> {
        let LogSource { product, category, service } = logsource;
        let words =
            [(&self.product, product), (&self.category, category), (&self.service, service)];
        let mut stated = 0;
        for (own, wanted) in words {
            match own {
                Some(own) if wanted.as_deref() != Some(own.as_str()) => return None,
                Some(_) => stated += 2,
                None => {}
            }
        }
        if self.fields.is_empty() {
            return Some(stated);
        }
        self.fields.iter().any(|field| missing.contains(field)).then_some(stated + 1)
    }
}

/// Returns what to turn on so that a log arrives, or these fields of it.
pub(crate) fn advice(logsource: &LogSource, missing: &[String]) -> Option<FirstStep> {
    let fitting = ADVICE.iter().filter_map(|own| Some((own.fits(logsource, missing)?, own)));
    // Of equals the first counts, as in the file.
    let best = fitting.rev().max_by_key(|(stated, _)| *stated)?.1;
    Some(FirstStep { vi: best.vi.clone(), en: best.en.clone() })
}

/// Returns for each rule whether it can fire with what was seen, and what would help.
pub(crate) fn judge(rules: &RuleSet, seen: &Seen) -> Vec<RuleReadiness> {
    let each = |own: detect::RuleCoverage| {
        let status = own.readiness.word();
        let (missing, sources, advice) = match own.readiness {
            Readiness::CanFire { kinds } => {
                let mut sources: Vec<_> =
                    kinds.iter().filter_map(|kind| Some(seen.kinds().get(*kind)?.source)).collect();
                sources.sort_unstable();
                sources.dedup();
                (Vec::new(), sources, None)
            }
            Readiness::LogNeverSeen => (Vec::new(), Vec::new(), advice(&own.logsource, &[])),
            Readiness::EventNeverSeen { field, wanted } => {
                let missing = vec![format!("{field} {}", wanted.join(", "))];
                (missing, Vec::new(), advice(&own.logsource, &[]))
            }
            Readiness::FieldNeverSeen { fields } => {
                let advice = advice(&own.logsource, &fields);
                (fields, Vec::new(), advice)
            }
        };
        let rule = own.rule;
        RuleReadiness { rule, status, logsource: own.logsource, missing, sources, advice }
    };
    rules.coverage(seen).into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_that_says_most_is_given() {
        let windows = |category: &str, service: &str| LogSource {
            product: Some("windows".into()),
            category: (!category.is_empty()).then(|| category.to_owned().into()),
            service: (!service.is_empty()).then(|| service.to_owned().into()),
        };
        let said = |logsource: LogSource, missing: &[&str]| {
            let missing: Vec<String> = missing.iter().map(|name| (*name).to_owned()).collect();
            advice(&logsource, &missing).unwrap().vi
        };
        assert!(said(windows("process_creation", ""), &[]).contains("Audit Process Creation"));
        assert!(said(windows("process_creation", ""), &["Hashes"]).contains("HashAlgorithms"));
        assert!(said(windows("", "security"), &[]).contains("auditpol"));
        assert!(said(windows("", "no-such-channel"), &[]).contains("kênh nhật ký Windows"));
        assert!(said(LogSource::default(), &[]).contains("chưa về đây"));
    }
}
