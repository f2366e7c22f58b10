//! The words of the audit log: what its stable codes are called on the page.

/// What was done, by its code: those that people filter by.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    ("alert.receive", "audit-did-alert-receive"),
    ("alert.acknowledged", "audit-did-alert-acknowledged"),
    ("alert.started", "audit-did-alert-started"),
    ("alert.closed", "audit-did-alert-closed"),
    ("alert.reopened", "audit-did-alert-reopened"),
    ("alert.assign", "audit-did-alert-assign"),
    ("alert.comment", "audit-did-alert-comment"),
    ("alert.export", "audit-did-alert-export"),
    ("incident.open", "audit-did-incident-open"),
    ("incident.add-alerts", "audit-did-incident-add-alerts"),
    ("incident.contained", "audit-did-incident-contain"),
    ("incident.report", "audit-did-incident-report"),
    ("incident.closed", "audit-did-incident-close"),
    ("incident.reopened", "audit-did-incident-reopen"),
    ("incident.assign", "audit-did-incident-assign"),
    ("incident.note", "audit-did-incident-note"),
    ("incident.hold", "audit-did-incident-hold"),
    ("incident.hold-lifted", "audit-did-incident-hold-lifted"),
    ("report.draft", "audit-did-report-draft"),
    ("report.edit", "audit-did-report-edit"),
    ("report.submit", "audit-did-report-submit"),
    ("report.approve", "audit-did-report-approve"),
    ("report.return", "audit-did-report-return"),
    ("report.withdraw", "audit-did-report-withdraw"),
    ("report.send", "audit-did-report-send"),
    ("report.file-signed", "audit-did-report-file-signed"),
    ("exception.make", "audit-did-exception-make"),
    ("exception.end", "audit-did-exception-end"),
    ("rule.test", "audit-did-rule-test"),
    ("search.run", "audit-did-search-run"),
    ("search.live", "audit-did-search-live"),
    ("search.sql", "audit-did-search-sql"),
    ("search.export", "audit-did-search-export"),
    ("source.create", "audit-did-source-create"),
    ("source.update", "audit-did-source-update"),
    ("source.enable", "audit-did-source-enable"),
    ("source.disable", "audit-did-source-disable"),
    ("source.rotate-token", "audit-did-source-rotate-token"),
    ("source.revoke-token", "audit-did-source-revoke-token"),
    ("system.create", "audit-did-system-create"),
    ("system.update", "audit-did-system-update"),
    ("system.retention", "audit-did-system-retention"),
    ("lake.deletion", "audit-did-lake-deletion"),
    ("lake.quarantine", "audit-did-lake-quarantine"),
    ("lake.missing", "audit-did-lake-missing"),
    ("lake.export", "audit-did-lake-export"),
    ("lake.import", "audit-did-lake-import"),
    ("system.profile", "audit-did-system-profile"),
    ("system.level-review", "audit-did-system-level-review"),
    ("system.critical", "audit-did-system-critical"),
    ("system.paper", "audit-did-system-paper"),
    ("system.paper-withdraw", "audit-did-system-paper-withdraw"),
    ("system.override", "audit-did-system-override"),
    ("system.override-end", "audit-did-system-override-end"),
    ("agency.create", "audit-did-agency-create"),
    ("agency.update", "audit-did-agency-update"),
    ("agency.close", "audit-did-agency-close"),
    ("agency.reopen", "audit-did-agency-reopen"),
    ("agency.rename", "audit-did-agency-rename"),
    ("agency.merge", "audit-did-agency-merge"),
    ("agency.contact", "audit-did-agency-contact"),
    ("agency.adopt", "audit-did-agency-adopt"),
    ("dead-letter.replay", "audit-did-dead-letter-replay"),
    ("dead-letter.discard", "audit-did-dead-letter-discard"),
    ("identity.sign-in", "audit-did-identity-sign-in"),
    ("identity.sign-out", "audit-did-identity-sign-out"),
    ("identity.use-recovery-code", "audit-did-identity-use-recovery-code"),
    ("identity.set-password", "audit-did-identity-set-password"),
    ("identity.change-password", "audit-did-identity-change-password"),
    ("identity.end-session", "audit-did-identity-end-session"),
    ("identity.end-other-sessions", "audit-did-identity-end-other-sessions"),
    ("identity.make-token", "audit-did-identity-make-token"),
    ("identity.revoke-token", "audit-did-identity-revoke-token"),
    ("identity.begin-second-factor", "audit-did-identity-begin-second-factor"),
    ("identity.second-factor-on", "audit-did-identity-second-factor-on"),
    ("identity.second-factor-off", "audit-did-identity-second-factor-off"),
    ("identity.invite", "audit-did-identity-invite"),
    ("identity.new-link", "audit-did-identity-new-link"),
    ("identity.link", "audit-did-identity-link"),
    ("identity.first-run-link", "audit-did-identity-first-run-link"),
    ("identity.add-account", "audit-did-identity-add-account"),
    ("identity.change-account", "audit-did-identity-change-account"),
    ("identity.disable", "audit-did-identity-disable"),
    ("identity.enable", "audit-did-identity-enable"),
    ("identity.rotate-token", "audit-did-identity-rotate-token"),
    ("identity.end-sessions", "audit-did-identity-end-sessions"),
    ("identity.add-program", "audit-did-identity-add-program"),
    ("identity.make-administrator", "audit-did-identity-make-administrator"),
    ("identity.reset-second-factor", "audit-did-identity-reset-second-factor"),
    ("identity.make-passkey", "audit-did-identity-make-passkey"),
    ("identity.remove-passkey", "audit-did-identity-remove-passkey"),
    ("identity.bind-oidc", "audit-did-identity-bind-oidc"),
    ("approval.request", "audit-did-approval-request"),
    ("approval.reject", "audit-did-approval-reject"),
    ("approval.withdraw", "audit-did-approval-withdraw"),
    ("delegation.give", "audit-did-delegation-give"),
    ("delegation.revoke", "audit-did-delegation-revoke"),
    ("delegation.begin", "audit-did-delegation-begin"),
    ("delegation.end", "audit-did-delegation-end"),
    ("audit.export", "audit-did-audit-export"),
    ("audit.anchor", "audit-did-audit-anchor"),
    ("post.create", "audit-did-post-create"),
    ("post.update", "audit-did-post-update"),
    ("post.close", "audit-did-post-close"),
    ("post.appoint", "audit-did-post-appoint"),
    ("post.vacate", "audit-did-post-vacate"),
    ("import.check", "audit-did-import-check"),
    ("import.apply", "audit-did-import-apply"),
    ("import.undo", "audit-did-import-undo"),
    ("person.update", "audit-did-person-update"),
    ("demo.seed", "audit-did-demo-seed"),
    ("demo.open", "audit-did-demo-open"),
];

/// Kinds of things that are changed.
const SUBJECTS: &[(&str, &str)] = &[
    ("account", "audit-of-account"),
    ("agency", "audit-of-agency"),
    ("system", "audit-of-system"),
    ("source", "audit-of-source"),
    ("dead_letter", "audit-of-dead-letter"),
    ("alert", "audit-of-alert"),
    ("incident", "audit-of-incident"),
    ("exception", "audit-of-exception"),
    ("event", "audit-of-event"),
    ("province", "audit-of-province"),
    ("post", "audit-of-post"),
    ("person", "audit-of-person"),
    ("import", "audit-of-import"),
    ("approval", "audit-of-approval"),
    ("delegation", "audit-of-delegation"),
    ("audit", "audit-of-audit"),
    ("lake_file", "audit-of-lake-file"),
];

/// Those who are no person.
const ACTORS: &[(&str, &str)] = &[
    ("platform", "audit-by-platform"),
    ("command_line", "audit-by-command-line"),
    ("anonymous", "audit-by-anonymous"),
];

fn key_of(words: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    words.iter().find(|(known, _)| *known == code).map(|(_, key)| *key)
}

/// Returns the key of what was done; nothing for a code without words.
pub(crate) fn action(code: &str) -> Option<&'static str> {
    key_of(ACTIONS, code)
}

/// Returns the key of what was changed.
pub(super) fn subject(code: &str) -> Option<&'static str> {
    key_of(SUBJECTS, code)
}

/// Returns the key of who did it, unless it was a person.
pub(super) fn actor(kind: &str) -> Option<&'static str> {
    key_of(ACTORS, kind)
}
