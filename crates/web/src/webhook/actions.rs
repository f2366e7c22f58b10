//! What people do with hooks.

use db::{AuditEntry, Subject, Tx, audit};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Hook, TRIAL, secret_of};
use super::{Webhooks, store};
use crate::{Address, AppError, FieldErrors, Phrase, Who};

/// Most hooks: each is looked at every other second.
const HOOKS_MAX: usize = 50;
/// Longest name.
const NAME_CHARS_MAX: usize = 100;
/// Longest address.
const URL_CHARS_MAX: usize = 2000;
/// Most beginnings of actions.
const ACTIONS_MAX: usize = 50;
/// How much of the random bytes the secret takes (Standard Webhooks 1.0: 24 to 64).
const SECRET_BYTES: usize = 32;

/// A hook as a form or program says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HookDraft {
    /// What it is called.
    #[serde(default)]
    pub(super) name: String,
    /// Where messages go.
    #[serde(default)]
    pub(super) url: String,
    /// Beginnings of actions (`system.`, `incident.open`), apart by commas or blanks; empty: all.
    #[serde(default)]
    pub(super) actions: String,
}

impl HookDraft {
    fn checked(&self, hooks: &Webhooks) -> Result<(String, String, Vec<String>), AppError> {
        let (name, url) = (self.name.trim().to_owned(), self.url.trim().to_owned());
        let mut errors = FieldErrors::default();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            errors.add("name", Phrase::key("webhook-error-name"));
        }
        if url.len() > URL_CHARS_MAX {
            errors.add("url", Phrase::key("webhook-error-url"));
        } else if let Err(error) = hooks.outbound.check(&url) {
            use crate::outbound::OutboundError as Why;
            let key = match error {
                Why::NotAllowed(_) => "webhook-error-not-allowed",
                Why::Private(_) => "webhook-error-private",
                _ => "webhook-error-url",
            };
            errors.add("url", Phrase::key(key));
        }
        let words = self.actions.split([',', ';']).flat_map(str::split_whitespace);
        let actions: Vec<String> = words.map(str::to_owned).collect();
        let fits = |word: &String| {
            word.len() <= NAME_CHARS_MAX
                && word.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '-')
        };
        if let Some(wrong) = actions.iter().find(|word| !fits(word)) {
            let phrase = Phrase::key("webhook-error-action").arg("word", wrong.as_str());
            errors.add("actions", phrase);
        } else if actions.len() > ACTIONS_MAX {
            errors.add("actions", Phrase::key("webhook-error-actions"));
        }
        errors.check()?;
        Ok((name, url, actions))
    }
}

fn entry(who: &Who, action: &str, hook: &Hook, detail: Value) -> AuditEntry {
    let actor = who.actor(Address(who.address));
    let entry = AuditEntry::new(actor, action, Subject::new("webhook", hook.id), detail);
    match who.agency {
        Some(agency) => entry.of_agency(agency),
        None => entry,
    }
}

fn described(hook: &Hook) -> Value {
    // The address may carry a key of the receiver's.
    let host = http::Uri::try_from(&hook.url).ok();
    let host = host.and_then(|url| url.host().map(str::to_owned));
    json!({ "name": hook.name, "host": host, "actions": hook.actions })
}

fn fresh_secret(hooks: &Webhooks) -> String {
    let random = hooks.db.ids().secret();
    secret_of(random.get(..SECRET_BYTES).unwrap_or(&random))
}

/// Makes a hook that is told of what happens from now on; returns it with its secret.
pub(super) async fn make(hooks: &Webhooks, who: &Who, draft: &HookDraft) -> Result<Hook, AppError> {
    let (name, url, actions) = draft.checked(hooks)?;
    let tx = hooks.db.begin().await?;
    if store::all(tx.conn()).await?.len() >= HOOKS_MAX {
        return Err(AppError::Conflict(Phrase::key("webhook-error-many")));
    }
    let hook = Hook {
        id: tx.new_uuid(),
        name,
        url,
        secret: fresh_secret(hooks),
        actions,
        account: who.account,
        seq: audit::last_seq(tx.conn()).await?,
        created_at: tx.now(),
        paused_at: None,
        paused_why: String::new(),
        failures: 0,
        failing_since: None,
        next_at: None,
        last_ok_at: None,
        last_error: String::new(),
    };
    store::insert(tx.conn(), &hook).await?;
    tx.commit(entry(who, "webhook.create", &hook, described(&hook))).await?;
    Ok(hook)
}

/// Changes name, address and what is asked for; whoever changes it answers for it from now on.
pub(super) async fn change(
    hooks: &Webhooks,
    who: &Who,
    id: Uuid,
    draft: &HookDraft,
) -> Result<(), AppError> {
    let (name, url, actions) = draft.checked(hooks)?;
    let (tx, hook) = found(hooks, id).await?;
    let before = described(&hook);
    let hook = Hook { name, url, actions, account: who.account, ..hook };
    store::change(tx.conn(), &hook).await?;
    let detail = json!({ "old": before, "new": described(&hook) });
    Ok(tx.commit(entry(who, "webhook.update", &hook, detail)).await?)
}

/// Gives a hook a fresh secret; the old one signs nothing any more. Returns the hook with it.
pub(super) async fn rotate(hooks: &Webhooks, who: &Who, id: Uuid) -> Result<Hook, AppError> {
    let (tx, mut hook) = found(hooks, id).await?;
    hook.secret = fresh_secret(hooks);
    store::change(tx.conn(), &hook).await?;
    tx.commit(entry(who, "webhook.rotate", &hook, described(&hook))).await?;
    Ok(hook)
}

/// Stops a hook, or lets it go on where it stopped.
pub(super) async fn set_paused(
    hooks: &Webhooks,
    who: &Who,
    id: Uuid,
    paused: bool,
) -> Result<(), AppError> {
    let (tx, mut hook) = found(hooks, id).await?;
    hook.paused_at = paused.then(|| tx.now());
    hook.paused_why.clear();
    if !paused {
        (hook.failures, hook.failing_since, hook.next_at) = (0, None, None);
        hook.account = who.account;
    }
    store::change(tx.conn(), &hook).await?;
    let action = if paused { "webhook.pause" } else { "webhook.resume" };
    Ok(tx.commit(entry(who, action, &hook, described(&hook))).await?)
}

/// Makes an entry that is told to this hook alone.
pub(super) async fn try_out(hooks: &Webhooks, who: &Who, id: Uuid) -> Result<(), AppError> {
    let (tx, hook) = found(hooks, id).await?;
    Ok(tx.commit(entry(who, TRIAL, &hook, described(&hook))).await?)
}

/// Passes over the message that the program does not take.
pub(super) async fn pass(hooks: &Webhooks, who: &Who, id: Uuid) -> Result<(), AppError> {
    let (tx, hook) = found(hooks, id).await?;
    let rows = audit::following(&hooks.db, &who.scope, hook.seq, 1000).await?;
    let next = rows.iter().find(|row| hook.wants(row)).filter(|_| hook.failures > 0);
    let Some(next) = next else {
        return Err(AppError::Conflict(Phrase::key("webhook-error-nothing")));
    };
    if !store::pass(tx.conn(), id, (hook.seq, next.seq)).await? {
        return Err(AppError::Conflict(Phrase::key("webhook-error-nothing")));
    }
    let detail = json!({ "name": hook.name, "number": next.seq, "error": hook.last_error });
    Ok(tx.commit(entry(who, "webhook.pass", &hook, detail)).await?)
}

/// Removes a hook.
pub(super) async fn remove(hooks: &Webhooks, who: &Who, id: Uuid) -> Result<(), AppError> {
    let (tx, hook) = found(hooks, id).await?;
    store::delete(tx.conn(), id).await?;
    Ok(tx.commit(entry(who, "webhook.remove", &hook, described(&hook))).await?)
}

async fn found(hooks: &Webhooks, id: Uuid) -> Result<(Tx, Hook), AppError> {
    let tx = hooks.db.begin().await?;
    let hook = store::get(tx.conn(), id).await?.ok_or(AppError::NotFound)?;
    Ok((tx, hook))
}
