//! Connecting, changing and disconnecting log sources, and their tokens.

use chrono::{DateTime, Utc};
use db::{AuditEntry, DbError, Subject, Tx};
use event::{AgencyId, Scope, SourceId};
use serde_json::json;
use web::{AppError, Phrase, Who};

use super::model::{Checked, LogSource, SourceDraft, SourceFilter, SourceKind};
use super::store;
use super::token::Token;
use crate::{Registry, actor, agency, failed, stale, system};

/// Connects a source. An HTTP source gets its token, which nobody can read again.
pub(crate) async fn create(
    registry: &Registry,
    who: &Who,
    draft: SourceDraft,
) -> Result<(LogSource, Option<Token>), AppError> {
    let checked = draft.checked(&registry.parsers)?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let owner = owner(&tx, &who.scope, &checked.draft).await?;
    check_name(&tx, &who.scope, None, owner, &checked.draft.name).await?;
    let mut source = source_of(SourceId::from_uuid(tx.new_uuid()), owner, tx.now(), checked);
    let token = (source.kind == SourceKind::Http).then(|| Token::new(registry.db.ids().secret()));
    source.token_hash = token.as_ref().map(Token::stored);
    source.token_hint = token.as_ref().map(Token::hint);
    store::insert(tx.conn(), &source).await.map_err(taken)?;
    let detail = json!({ "new": SourceDraft::from(&source) });
    tx.commit(entry(who, "source.create", &source, detail)).await.map_err(failed)?;
    registry.changed().await?;
    Ok((source, token))
}

/// Changes a source; its kind stays.
pub(crate) async fn update(
    registry: &Registry,
    who: &Who,
    id: SourceId,
    mut draft: SourceDraft,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let old = found(&tx, &who.scope, id).await?;
    old.kind.word().clone_into(&mut draft.kind);
    let checked = draft.checked(&registry.parsers)?;
    let owner = owner(&tx, &who.scope, &checked.draft).await?;
    check_name(&tx, &who.scope, Some(id), owner, &checked.draft.name).await?;
    let version = checked.draft.version.unwrap_or(old.version);
    let new = LogSource {
        token_hash: old.token_hash.clone(),
        token_hint: old.token_hint.clone(),
        enabled: old.enabled,
        created_at: old.created_at,
        version,
        ..source_of(id, owner, tx.now(), checked)
    };
    let detail = json!({ "old": SourceDraft::from(&old), "new": SourceDraft::from(&new) });
    replace(registry, tx, new, entry(who, "source.update", &old, detail)).await
}

/// Gives an HTTP source a new token; the old one is refused from now on.
pub(crate) async fn rotate_token(
    registry: &Registry,
    who: &Who,
    id: SourceId,
) -> Result<(LogSource, Token), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut source = http_source(&tx, &who.scope, id).await?;
    let token = Token::new(registry.db.ids().secret());
    let detail = json!({ "old": source.token_hint, "new": token.hint() });
    source.token_hash = Some(token.stored());
    source.token_hint = Some(token.hint());
    let entry = entry(who, "source.rotate-token", &source, detail);
    replace(registry, tx, source.clone(), entry).await?;
    Ok((source, token))
}

/// Takes the token of an HTTP source away: nothing can be sent until it gets a new one.
pub(crate) async fn revoke_token(
    registry: &Registry,
    who: &Who,
    id: SourceId,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut source = http_source(&tx, &who.scope, id).await?;
    let detail = json!({ "old": source.token_hint.take() });
    source.token_hash = None;
    let entry = entry(who, "source.revoke-token", &source, detail);
    replace(registry, tx, source, entry).await
}

/// Whether records of a source are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// They are.
    On,
    /// They are refused.
    Off,
}

/// Switches a source on or off.
pub(crate) async fn switch(
    registry: &Registry,
    who: &Who,
    id: SourceId,
    to: Switch,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut source = found(&tx, &who.scope, id).await?;
    source.enabled = to == Switch::On;
    let action = match to {
        Switch::On => "source.enable",
        Switch::Off => "source.disable",
    };
    let entry = entry(who, action, &source, json!({ "name": source.name }));
    replace(registry, tx, source, entry).await
}

async fn replace(
    registry: &Registry,
    tx: Tx,
    mut source: LogSource,
    entry: AuditEntry,
) -> Result<(), AppError> {
    source.updated_at = tx.now();
    if !store::update(tx.conn(), &source).await.map_err(taken)? {
        return Err(stale());
    }
    tx.commit(entry).await.map_err(failed)?;
    registry.changed().await
}

fn source_of(id: SourceId, agency: AgencyId, now: DateTime<Utc>, checked: Checked) -> LogSource {
    let Checked { draft, kind, peers, utc_offset_minutes, silence_after_s } = checked;
    let of_kind = |wanted| kind == wanted;
    LogSource {
        id,
        agency,
        system: draft.system,
        code: if draft.code.is_empty() { code_of(id) } else { draft.code },
        name: draft.name,
        kind,
        parser: draft.parser,
        token_hash: None,
        token_hint: None,
        listener: draft.listener.filter(|_| of_kind(SourceKind::Syslog)),
        peers: if of_kind(SourceKind::Syslog) { peers } else { Vec::new() },
        path: draft.path.filter(|_| of_kind(SourceKind::File)),
        utc_offset_minutes,
        silence_after_s,
        enabled: true,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Returns the code of a source that was given none: the random end of its id.
fn code_of(id: SourceId) -> String {
    let text = id.uuid().simple().to_string();
    let skipped = text.len().saturating_sub(CODE_CHARS);
    format!("NG-{}", text.chars().skip(skipped).collect::<String>())
}

/// Characters of a made-up code: enough that two do not meet, few enough to read aloud.
const CODE_CHARS: usize = 8;

/// Returns whose the source is: the system's agency if it watches one, else the one named.
async fn owner(tx: &Tx, scope: &Scope, draft: &SourceDraft) -> Result<AgencyId, AppError> {
    if let Some(id) = draft.system {
        let system = system::by_id(tx.conn(), scope, id).await.map_err(failed)?;
        return system
            .map(|system| system.agency)
            .ok_or_else(|| AppError::invalid("system", Phrase::key("registry-field-choose")));
    }
    let agency = match draft.agency {
        Some(id) => agency::by_id(tx.conn(), scope, id).await.map_err(failed)?,
        None => None,
    };
    agency
        .map(|agency| agency.id)
        .ok_or_else(|| AppError::invalid("agency", Phrase::key("registry-field-choose")))
}

/// Two sources of one agency do not bear the same name: a form sent twice makes one source.
async fn check_name(
    tx: &Tx,
    scope: &Scope,
    own: Option<SourceId>,
    agency: AgencyId,
    name: &str,
) -> Result<(), AppError> {
    let filter = SourceFilter { agency: Some(agency), ..SourceFilter::default() };
    let others = store::list(tx.conn(), scope, &filter).await.map_err(failed)?;
    if others.iter().any(|other| Some(other.id) != own && other.name == name) {
        return Err(AppError::invalid("name", Phrase::key("registry-field-taken")));
    }
    Ok(())
}

async fn found(tx: &Tx, scope: &Scope, id: SourceId) -> Result<LogSource, AppError> {
    store::by_id(tx.conn(), scope, id).await.map_err(failed)?.ok_or(AppError::NotFound)
}

async fn http_source(tx: &Tx, scope: &Scope, id: SourceId) -> Result<LogSource, AppError> {
    let source = found(tx, scope, id).await?;
    if source.kind == SourceKind::Http {
        Ok(source)
    } else {
        Err(AppError::Conflict(Phrase::key("registry-source-no-token")))
    }
}

fn entry(who: &Who, action: &str, source: &LogSource, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("source", source.id), detail)
        .of_agency(source.agency)
}

fn taken(error: DbError) -> AppError {
    match error.constraint() {
        Some(name) if name.contains("code") => {
            AppError::invalid("code", Phrase::key("registry-field-taken"))
        }
        _ => failed(error),
    }
}
