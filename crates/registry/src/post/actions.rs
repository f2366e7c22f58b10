//! Making, changing and closing posts; appointing people to them.

use db::{AuditEntry, Subject, Tx};
use event::{AgencyId, Scope};
use serde_json::{Value, json};
use uuid::Uuid;
use web::{AppError, Phrase, Who};

use super::model::{
    Appointment, Holding, Person, PersonDraft, Post, PostDraft, PostFilter, PostKind, Vacating,
};
use super::store;
use crate::text::{check_length, clean, moment};
use crate::{Registry, actor, agency, failed, limits};

/// Most vacant posts looked at for one agency.
const VACANT_MAX: u64 = 50;

fn entry(
    who: &Who,
    action: &str,
    (kind, id): (&'static str, Uuid),
    (agency, detail): (AgencyId, Value),
) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new(kind, id), detail).of_agency(agency)
}

/// Returns the agency a form names, if it is in scope and open.
async fn agency_of(tx: &Tx, scope: &Scope, id: Option<AgencyId>) -> Result<AgencyId, AppError> {
    let choose = || AppError::invalid("agency", Phrase::key("registry-field-choose"));
    let id = id.ok_or_else(choose)?;
    let agency = agency::by_id(tx.conn(), scope, id).await.map_err(failed)?;
    agency.filter(|agency| agency.valid_to.is_none()).map(|agency| agency.id).ok_or_else(choose)
}

async fn post(tx: &Tx, scope: &Scope, id: Uuid) -> Result<Post, AppError> {
    store::post_by_id(tx.conn(), scope, id).await.map_err(failed)?.ok_or(AppError::NotFound)
}

/// Makes a post.
pub(super) async fn create(
    registry: &Registry,
    who: &Who,
    draft: PostDraft,
) -> Result<Uuid, AppError> {
    let draft = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let agency = agency_of(&tx, &who.scope, draft.agency).await?;
    let post = Post {
        id: tx.new_uuid(),
        agency,
        title: draft.title.clone(),
        kind: PostKind::from_word(&draft.kind),
        duties: draft.duties.clone(),
        created_at: tx.now(),
        closed_at: None,
    };
    store::insert_post(tx.conn(), &post).await.map_err(failed)?;
    let detail = (agency, json!({ "new": draft }));
    tx.commit(entry(who, "post.create", ("post", post.id), detail)).await.map_err(failed)?;
    Ok(post.id)
}

/// Changes what a post is called and for.
pub(super) async fn update(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    draft: PostDraft,
) -> Result<(), AppError> {
    let draft = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut post = post(&tx, &who.scope, id).await?;
    let before = json!({ "title": post.title, "kind": post.kind, "duties": post.duties });
    post.title.clone_from(&draft.title);
    post.kind = PostKind::from_word(&draft.kind);
    post.duties.clone_from(&draft.duties);
    store::update_post(tx.conn(), &post).await.map_err(failed)?;
    let detail = (post.agency, json!({ "old": before, "new": draft }));
    tx.commit(entry(who, "post.update", ("post", id), detail)).await.map_err(failed)
}

/// Closes a post that is no longer needed; whoever held it no longer does.
pub(super) async fn close(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut post = post(&tx, &who.scope, id).await?;
    post.closed_at = Some(tx.now());
    store::update_post(tx.conn(), &post).await.map_err(failed)?;
    store::end_holdings(tx.conn(), id, tx.now()).await.map_err(failed)?;
    let detail = (post.agency, json!({ "title": post.title }));
    tx.commit(entry(who, "post.close", ("post", id), detail)).await.map_err(failed)
}

/// Puts someone into a post; whoever held it holds it no longer.
pub(super) async fn appoint(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    given: Appointment,
) -> Result<(), AppError> {
    let decision = clean(&given.decision);
    let mut errors = web::FieldErrors::default();
    check_length(&mut errors, "decision", &decision, limits::NAME_CHARS_MAX);
    errors.check()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let post = post(&tx, &who.scope, id).await?;
    if post.closed_at.is_some() {
        return Err(AppError::Conflict(Phrase::key("post-is-closed")));
    }
    let from = moment("from", given.from, tx.now())?;
    let history = store::history_of_post(tx.conn(), &post).await.map_err(failed)?;
    if history.iter().any(|held| held.from > from || held.to.is_some_and(|to| to > from)) {
        return Err(AppError::invalid("from", Phrase::key("post-day-before-last")));
    }
    let person = match given.person {
        Some(person) => {
            let known = store::person_by_id(tx.conn(), &who.scope, person).await.map_err(failed)?;
            known
                .ok_or_else(|| AppError::invalid("person", Phrase::key("registry-field-choose")))?
        }
        None => new_person(&tx, post.agency, given).await?,
    };
    store::end_holdings(tx.conn(), id, from).await.map_err(failed)?;
    let holding = Holding {
        id: tx.new_uuid(),
        post: id,
        person: person.id,
        from,
        to: None,
        decision: decision.clone(),
    };
    store::insert_holding(tx.conn(), &holding).await.map_err(failed)?;
    let detail = json!({
        "person": person.id, "name": person.name, "from": from, "decision": decision,
    });
    let entry = entry(who, "post.appoint", ("post", id), (post.agency, detail));
    tx.commit(entry).await.map_err(failed)
}

async fn new_person(tx: &Tx, agency: AgencyId, given: Appointment) -> Result<Person, AppError> {
    let Appointment { name, phone, email, .. } = given;
    let draft = PersonDraft { agency: None, name, phone, email }.checked()?;
    let person = Person {
        id: tx.new_uuid(),
        agency,
        name: draft.name,
        phone: draft.phone,
        email: draft.email,
        account: None,
        created_at: tx.now(),
    };
    store::insert_person(tx.conn(), &person).await.map_err(failed)?;
    Ok(person)
}

/// Notes that nobody holds a post any longer.
pub(super) async fn vacate(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    given: Vacating,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let post = post(&tx, &who.scope, id).await?;
    let to = moment("to", given.to, tx.now())?;
    let history = store::history_of_post(tx.conn(), &post).await.map_err(failed)?;
    if history.iter().any(|held| held.to.is_none() && held.from > to) {
        return Err(AppError::invalid("to", Phrase::key("post-day-before-last")));
    }
    if store::end_holdings(tx.conn(), id, to).await.map_err(failed)? == 0 {
        return Err(AppError::Conflict(Phrase::key("post-is-vacant")));
    }
    let entry = entry(who, "post.vacate", ("post", id), (post.agency, json!({ "to": to })));
    tx.commit(entry).await.map_err(failed)
}

/// Changes what is known of a person.
pub(super) async fn update_person(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    draft: PersonDraft,
) -> Result<(), AppError> {
    let draft = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let found = store::person_by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    let mut person = found.ok_or(AppError::NotFound)?;
    let before = json!({ "name": person.name, "phone": person.phone, "email": person.email });
    if draft.agency.is_some() {
        person.agency = agency_of(&tx, &who.scope, draft.agency).await?;
    }
    person.name.clone_from(&draft.name);
    person.phone.clone_from(&draft.phone);
    person.email.clone_from(&draft.email);
    store::update_person(tx.conn(), &person).await.map_err(failed)?;
    let detail = (person.agency, json!({ "old": before, "new": draft }));
    tx.commit(entry(who, "person.update", ("person", id), detail)).await.map_err(failed)
}

/// Returns whether an agency has any post, and those of its own that nobody holds.
pub(crate) async fn vacant(
    registry: &Registry,
    who: &Who,
    agency: AgencyId,
) -> Result<(bool, Vec<Post>), AppError> {
    let (conn, now) = (registry.db.conn(), registry.db.now());
    let all = PostFilter { agency: Some(agency), ..PostFilter::default() };
    let (_, total) = store::posts(conn, &who.scope, (&all, now), (0, 1)).await.map_err(failed)?;
    let empty = PostFilter { state: Some("vacant".to_owned()), ..all };
    let (vacant, _) =
        store::posts(conn, &who.scope, (&empty, now), (0, VACANT_MAX)).await.map_err(failed)?;
    Ok((total > 0, vacant))
}
