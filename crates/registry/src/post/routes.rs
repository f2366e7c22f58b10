//! Addresses of posts and people.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::{
    Appointment, Holding, Person, PersonDraft, PersonFilter, Post, PostDraft, PostFilter, PostKind,
    Vacating,
};
use super::views::{
    HoldingRow, PersonDetail, PersonList, PersonRow, PostDetail, PostForm, PostList, PostRow,
};
use super::{actions, store};
use crate::export::{Export, Sheet};
use crate::forms::{self, Choice, Errors, choices};
use crate::quality::{self, Ground};
use crate::{Registry, agency_choices, failed, limits, text};

/// Returns the routes of posts and people.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{PostChange, PostRead};
    Routes::new()
        .get("/posts", PostRead, list)
        .doc("Lists posts with who holds them")
        .gives::<PostList>()
        .get("/posts/export", PostRead, export)
        .doc("Gives the list as a file")
        .get("/posts/new", PostChange, new)
        .doc("Shows the form of a new post")
        .post("/posts", PostChange, create)
        .doc("Makes a post")
        .takes::<PostDraft>()
        .get("/posts/{id}", PostRead, detail)
        .doc("Shows a post with everyone who held it")
        .gives::<PostDetail>()
        .post("/posts/{id}", PostChange, update)
        .doc("Changes what a post is called and for")
        .takes::<PostDraft>()
        .post("/posts/{id}/appoint", PostChange, appoint)
        .doc("Puts someone into a post")
        .takes::<Appointment>()
        .post("/posts/{id}/vacate", PostChange, vacate)
        .doc("Notes that nobody holds a post any longer")
        .takes::<Vacating>()
        .post("/posts/{id}/close", PostChange, close)
        .doc("Closes a post that is no longer needed")
        .get("/people", PostRead, people)
        .doc("Lists people with what they hold")
        .gives::<PersonList>()
        .get("/people/{id}", PostRead, person)
        .doc("Shows a person with everything they held")
        .gives::<PersonDetail>()
        .post("/people/{id}", PostChange, update_person)
        .doc("Changes what is known of a person")
        .takes::<PersonDraft>()
}

fn kinds(who: &Who, present: Option<&str>) -> Vec<Choice> {
    let all =
        PostKind::ALL.map(|kind| (kind.word().to_owned(), Phrase::key(kind.key()).text(who.lang)));
    choices(all, present)
}

/// Returns the rows of these posts, with who holds them.
async fn rows(registry: &Registry, who: &Who, posts: &[Post]) -> Result<Vec<PostRow>, AppError> {
    let conn = registry.db.conn();
    let ids = posts.iter().map(|post| post.id).collect();
    let held = store::held_now(conn, (ids, Vec::new()), registry.db.now()).await.map_err(failed)?;
    let holders = held.iter().map(|held| held.person).collect();
    let people = store::people_by_id(conn, &who.scope, holders).await.map_err(failed)?;
    let people: BTreeMap<Uuid, &Person> = people.iter().map(|one| (one.id, one)).collect();
    let held: BTreeMap<Uuid, &Holding> = held.iter().map(|held| (held.post, held)).collect();
    let snapshot = registry.directory.snapshot();
    let row = |post: &Post| {
        let holding = held.get(&post.id);
        let holder = holding.and_then(|held| people.get(&held.person));
        PostRow {
            id: post.id.to_string(),
            title: post.title.clone(),
            kind: post.kind.word().to_owned(),
            kind_key: post.kind.key(),
            agency: post.agency.to_string(),
            agency_name: snapshot.tree().name(post.agency).to_owned(),
            holder: holder.map(|person| person_row(person, &snapshot, Vec::new())),
            since: holding.map(|held| held.from),
            closed_at: post.closed_at,
        }
    };
    Ok(posts.iter().map(row).collect())
}

fn person_row(person: &Person, snapshot: &crate::Snapshot, posts: Vec<String>) -> PersonRow {
    PersonRow {
        id: person.id.to_string(),
        name: person.name.clone(),
        phone: person.phone.clone(),
        email: person.email.clone(),
        agency: person.agency.to_string(),
        agency_name: snapshot.tree().name(person.agency).to_owned(),
        posts,
    }
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<PostFilter>,
    Query(page): Query<Page>,
) -> Result<View<PostList>, AppError> {
    let part = (page.offset(), page.limit());
    let asked = (&filter, registry.db.now());
    let (posts, total) =
        store::posts(registry.db.conn(), &who.scope, asked, part).await.map_err(failed)?;
    let query = text::query(&[
        ("q", filter.q.clone()),
        ("agency", filter.agency.map(|agency| agency.to_string())),
        ("kind", filter.kind.clone()),
        ("state", filter.state.clone()),
    ]);
    let states = [("vacant", "post-vacant"), ("closed", "post-closed")]
        .map(|(word, key)| (word.to_owned(), Phrase::key(key).text(who.lang)));
    Ok(View::new(PostList {
        rows: rows(&registry, &who, &posts).await?,
        pager: page.pager("/posts", &query, total),
        agencies: agency_choices(&registry.directory.snapshot(), &who, filter.agency),
        kinds: kinds(&who, filter.kind.as_deref()),
        states: choices(states, filter.state.as_deref()),
        q: filter.q.unwrap_or_default(),
        query,
    }))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<PostFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let asked = (&filter, registry.db.now());
    let part = (0, limits::EXPORT_ROWS_MAX);
    let (posts, _) =
        store::posts(registry.db.conn(), &who.scope, asked, part).await.map_err(failed)?;
    let header = [
        "post-title",
        "post-kind",
        "registry-agency",
        "post-holder",
        "registry-phone",
        "registry-email",
    ];
    let mut sheet = Sheet::new("chuc-danh", who.lang, &header);
    for row in rows(&registry, &who, &posts).await? {
        let holder = row.holder.as_ref();
        let of = |part: fn(&PersonRow) -> &String| {
            holder.map(|one| part(one).clone()).unwrap_or_default()
        };
        sheet.row(vec![
            row.title.clone(),
            Phrase::key(row.kind_key).text(who.lang),
            row.agency_name.clone(),
            of(|one| &one.name),
            of(|one| &one.phone),
            of(|one| &one.email),
        ]);
    }
    sheet.answer(export)
}

async fn new(
    State(registry): State<Registry>,
    who: Who,
    Query(draft): Query<PostDraft>,
) -> View<PostForm> {
    View::new(form(&registry, &who, (draft, Errors::new())))
}

fn form(registry: &Registry, who: &Who, (draft, errors): (PostDraft, Errors)) -> PostForm {
    PostForm {
        agencies: agency_choices(&registry.directory.snapshot(), who, draft.agency),
        kinds: kinds(who, Some(&draft.kind)),
        draft,
        errors,
    }
}

async fn create(
    State(registry): State<Registry>,
    who: Who,
    Body(draft): Body<PostDraft>,
) -> Result<Response, AppError> {
    match actions::create(&registry, &who, draft.clone()).await {
        Ok(id) => Ok(saved(id).made().into_response()),
        Err(error) => forms::again(&who, error, |errors| form(&registry, &who, (draft, errors))),
    }
}

fn saved(id: Uuid) -> Done {
    done(format!("/posts/{id}")).notice(Phrase::key("registry-saved"))
}

async fn page(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    errors: Errors,
) -> Result<PostDetail, AppError> {
    let conn = registry.db.conn();
    let post = store::post_by_id(conn, &who.scope, id).await.map_err(failed)?;
    let post = post.ok_or(AppError::NotFound)?;
    let history = store::history_of_post(conn, &post).await.map_err(failed)?;
    let ids = history.iter().map(|held| held.person).collect();
    let known = store::people_by_id(conn, &who.scope, ids).await.map_err(failed)?;
    let names: BTreeMap<Uuid, &str> = known.iter().map(|one| (one.id, one.name.as_str())).collect();
    let now = registry.db.now();
    let rows = rows(registry, who, std::slice::from_ref(&post)).await?;
    let row = rows.into_iter().next().ok_or(AppError::NotFound)?;
    let filter = PersonFilter { agency: Some(post.agency), ..PersonFilter::default() };
    let (near, _) = store::people(conn, &who.scope, &filter, (0, 500)).await.map_err(failed)?;
    Ok(PostDetail {
        kinds: kinds(who, Some(post.kind.word())),
        duties: post.duties,
        history: history
            .into_iter()
            .map(|held| HoldingRow {
                lasts: held.lasts(now),
                id: held.person.to_string(),
                // Someone who has gone to an agency out of sight: that they were here is ours to know.
                name: names.get(&held.person).copied().unwrap_or("–").to_owned(),
                from: held.from,
                to: held.to,
                decision: held.decision,
            })
            .collect(),
        people: choices(near.into_iter().map(|one| (one.id.to_string(), one.name)), None),
        row,
        errors,
    })
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<PostDetail>, AppError> {
    Ok(View::new(page(&registry, &who, id, Errors::new()).await?))
}

/// Answers after a change of a post: its page, or again with what is wrong.
async fn answer(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    result: Result<(), AppError>,
) -> Result<Response, AppError> {
    match result {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error @ AppError::Invalid(_)) => {
            let page = page(registry, who, id, Errors::new()).await?;
            forms::again(who, error, |errors| PostDetail { errors, ..page })
        }
        Err(error) => Err(error),
    }
}

async fn update(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(draft): Body<PostDraft>,
) -> Result<Response, AppError> {
    let result = actions::update(&registry, &who, id, draft).await;
    answer(&registry, &who, id, result).await
}

async fn appoint(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(given): Body<Appointment>,
) -> Result<Response, AppError> {
    let result = actions::appoint(&registry, &who, id, given).await;
    answer(&registry, &who, id, result).await
}

async fn vacate(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(given): Body<Vacating>,
) -> Result<Response, AppError> {
    let result = actions::vacate(&registry, &who, id, given).await;
    answer(&registry, &who, id, result).await
}

async fn close(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::close(&registry, &who, id).await?;
    Ok(saved(id))
}

async fn people(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<PersonFilter>,
    Query(page): Query<Page>,
) -> Result<View<PersonList>, AppError> {
    let conn = registry.db.conn();
    let part = (page.offset(), page.limit());
    let (people, total) = store::people(conn, &who.scope, &filter, part).await.map_err(failed)?;
    let ids = people.iter().map(|person| person.id).collect();
    let held = store::held_now(conn, (Vec::new(), ids), registry.db.now()).await.map_err(failed)?;
    let posts = held.iter().map(|held| held.post).collect();
    let posts = store::posts_by_id(conn, &who.scope, posts).await.map_err(failed)?;
    let titles: BTreeMap<Uuid, &str> =
        posts.iter().map(|post| (post.id, post.title.as_str())).collect();
    let snapshot = registry.directory.snapshot();
    let of = |person: &Person| {
        held.iter()
            .filter(|held| held.person == person.id)
            .filter_map(|held| titles.get(&held.post).map(ToString::to_string))
            .collect()
    };
    let query = text::query(&[
        ("q", filter.q.clone()),
        ("agency", filter.agency.map(|agency| agency.to_string())),
    ]);
    Ok(View::new(PersonList {
        rows: people.iter().map(|person| person_row(person, &snapshot, of(person))).collect(),
        pager: page.pager("/people", &query, total),
        agencies: agency_choices(&snapshot, &who, filter.agency),
        q: filter.q.unwrap_or_default(),
    }))
}

async fn person_page(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    errors: Errors,
) -> Result<PersonDetail, AppError> {
    let conn = registry.db.conn();
    let person = store::person_by_id(conn, &who.scope, id).await.map_err(failed)?;
    let person = person.ok_or(AppError::NotFound)?;
    let history = store::history_of_person(conn, &person).await.map_err(failed)?;
    let ids = history.iter().map(|held| held.post).collect();
    let posts = store::posts_by_id(conn, &who.scope, ids).await.map_err(failed)?;
    let posts: BTreeMap<Uuid, &Post> = posts.iter().map(|post| (post.id, post)).collect();
    let now = registry.db.now();
    let snapshot = registry.directory.snapshot();
    let name = |held: &Holding| {
        posts.get(&held.post).map_or_else(
            || "–".to_owned(),
            |post| format!("{} · {}", post.title, snapshot.tree().name(post.agency)),
        )
    };
    let ground = Ground::new(&snapshot, &registry.health, now);
    let twins = store::with_email(conn, &person.email).await.map_err(failed)?;
    let holds_post = history.iter().any(|held| held.lasts(now));
    let checks = quality::of_person(&ground, &person, (twins, holds_post));
    Ok(PersonDetail {
        quality: quality::card(&checks, who.lang),
        agencies: agency_choices(&snapshot, who, Some(person.agency)),
        history: history
            .iter()
            .map(|held| HoldingRow {
                id: held.post.to_string(),
                name: name(held),
                from: held.from,
                to: held.to,
                decision: held.decision.clone(),
                lasts: held.lasts(now),
            })
            .collect(),
        row: person_row(&person, &snapshot, Vec::new()),
        errors,
    })
}

async fn person(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<PersonDetail>, AppError> {
    Ok(View::new(person_page(&registry, &who, id, Errors::new()).await?))
}

async fn update_person(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(draft): Body<PersonDraft>,
) -> Result<Response, AppError> {
    match actions::update_person(&registry, &who, id, draft).await {
        Ok(()) => {
            let to = done(format!("/people/{id}")).notice(Phrase::key("registry-saved"));
            Ok(to.into_response())
        }
        Err(error @ AppError::Invalid(_)) => {
            let page = person_page(&registry, &who, id, Errors::new()).await?;
            forms::again(&who, error, |errors| PersonDetail { errors, ..page })
        }
        Err(error) => Err(error),
    }
}
