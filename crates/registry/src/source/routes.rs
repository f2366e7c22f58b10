//! Addresses of log sources.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::SourceId;
use web::paging::Page;
use web::{AppError, Body, Done, Lang, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Switch};
use super::connect::snippets;
use super::model::{LogSource, SourceDraft, SourceFilter, SourceKind};
use super::views::{SourceDetail, SourceForm, SourceList, SourceRow, SourceToken, StatusCount};
use super::{Token, store};
use crate::export::{Export, Sheet};
use crate::forms::{self, Choice, Errors, choices};
use crate::quality::{self, Ground};
use crate::system::net_text;
use crate::{Registry, Snapshot, Status, agency_choices, failed, system_choices, text};

/// Returns the routes of log sources.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{SourceChange, SourceRead};
    Routes::new()
        .get("/sources", SourceRead, list)
        .doc("Lists log sources with their measured health")
        .gives::<SourceList>()
        .get("/sources/export", SourceRead, export)
        .doc("Gives the list as a file")
        .get("/sources/new", SourceChange, new)
        .doc("Shows the form of a new log source")
        .post("/sources", SourceChange, create)
        .doc("Connects a log source; an HTTP source answers with its token, once")
        .takes::<SourceDraft>()
        .gives::<SourceToken>()
        .get("/sources/{id}", SourceRead, detail)
        .doc("Shows a log source and how it does")
        .gives::<SourceDetail>()
        .get("/sources/{id}/edit", SourceChange, edit)
        .doc("Shows the form of a log source")
        .post("/sources/{id}", SourceChange, update)
        .doc("Changes a log source")
        .takes::<SourceDraft>()
        .post("/sources/{id}/token", SourceChange, rotate)
        .doc("Makes a new token; the old one is refused from now on")
        .gives::<SourceToken>()
        .post("/sources/{id}/revoke", SourceChange, revoke)
        .doc("Takes the token away")
        .post("/sources/{id}/enable", SourceChange, enable)
        .doc("Takes records again")
        .post("/sources/{id}/disable", SourceChange, disable)
        .doc("Refuses records from now on")
}

/// Returns the rows of the sources that fit, the worst first.
pub(crate) async fn rows(
    registry: &Registry,
    who: &Who,
    filter: &SourceFilter,
) -> Result<Vec<SourceRow>, AppError> {
    let sources = store::list(registry.db.conn(), &who.scope, filter).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let now = registry.db.now();
    let row = |source: &LogSource| {
        SourceRow::new(source, &registry.health.of(source.id, now), &snapshot, now)
    };
    let mut rows: Vec<SourceRow> = sources.iter().map(row).collect();
    rows.sort_by_key(|row| (row.rank, std::cmp::Reverse(row.level)));
    Ok(rows)
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<SourceFilter>,
    Query(page): Query<Page>,
) -> Result<View<SourceList>, AppError> {
    let mut rows = rows(&registry, &who, &filter).await?;
    let counts = counts(&rows);
    if let Some(state) = &filter.state {
        rows.retain(|row| row.status == *state);
    }
    let query = rest(&filter);
    let pager = page.pager("/sources", &query, rows.len() as u64);
    let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let shown = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let rows = rows.into_iter().skip(skipped).take(shown).collect();
    let snapshot = registry.directory.snapshot();
    let named = |lang: Lang| {
        move |(word, key): (&'static str, &'static str)| {
            (word.to_owned(), Phrase::key(key).text(lang))
        }
    };
    let kinds = SourceKind::ALL.map(|kind| (kind.word(), kind.key())).map(named(who.lang));
    let states = Status::ALL.map(|status| (status.word(), status.key())).map(named(who.lang));
    Ok(View::new(SourceList {
        rows,
        counts,
        unwatched: snapshot.unwatched(&who.scope).len(),
        pager,
        q: filter.q.clone().unwrap_or_default(),
        kinds: choices(kinds, filter.kind.as_deref()),
        states: choices(states, filter.state.as_deref()),
        agencies: agency_choices(&snapshot, &who, filter.agency),
        query,
    }))
}

fn counts(rows: &[SourceRow]) -> Vec<StatusCount> {
    Status::ALL
        .into_iter()
        .map(|status| StatusCount {
            status: status.word().to_owned(),
            count: rows.iter().filter(|row| row.rank == status).count(),
            key: status.key(),
        })
        .filter(|count| count.count > 0)
        .collect()
}

fn rest(filter: &SourceFilter) -> String {
    text::query(&[
        ("q", filter.q.clone()),
        ("kind", filter.kind.clone()),
        ("agency", filter.agency.map(|id| id.to_string())),
        ("system", filter.system.map(|id| id.to_string())),
        ("state", filter.state.clone()),
    ])
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<SourceFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let header = [
        "registry-name",
        "registry-source-status",
        "registry-source-kind",
        "registry-source-parser",
        "registry-agency",
        "registry-system",
        "registry-level",
        "registry-source-last",
        "registry-source-received",
        "registry-source-dead",
        "registry-duty-phone",
    ];
    let mut sheet = Sheet::new("nguon-log", who.lang, &header);
    let wanted = |row: &SourceRow| filter.state.as_ref().is_none_or(|state| row.status == *state);
    for row in rows(&registry, &who, &filter).await?.into_iter().filter(wanted) {
        sheet.row(vec![
            row.name,
            Phrase::key(row.status_key).text(who.lang),
            Phrase::key(row.kind_key).text(who.lang),
            row.parser,
            row.agency_name,
            row.system_name.unwrap_or_default(),
            row.level.map(|level| level.number().to_string()).unwrap_or_default(),
            row.last_collected_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            row.received.to_string(),
            row.dead.to_string(),
            row.duty_phone,
        ]);
    }
    sheet.answer(export)
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
) -> Result<View<SourceDetail>, AppError> {
    let source = found(&registry, &who, id).await?;
    let now = registry.db.now();
    let health = registry.health.of(id, now);
    let snapshot = registry.directory.snapshot();
    let parser = registry.parsers.iter().find(|parser| parser.id == source.parser);
    let told = |vi: &str, en: &str| match who.lang {
        Lang::Vi => vi.to_owned(),
        Lang::En => en.to_owned(),
    };
    let placeholder = Phrase::key("registry-source-token-here").text(who.lang);
    let chart = registry.health.chart(&registry.db, id, now, who.lang).await.map_err(failed)?;
    let ground = Ground::new(&snapshot, &registry.health, now);
    let binding = snapshot.bindings().find(|binding| binding.origin.source == id);
    let checks = binding.map(|one| quality::of_source(&ground, one, ground.standing(one)));
    Ok(View::new(SourceDetail {
        quality: quality::card(&checks.unwrap_or_default(), who.lang),
        row: SourceRow::new(&source, &health, &snapshot, now),
        received_bytes: health.received_bytes,
        decoded: health.decoded,
        noted: health.noted,
        undated: health.undated,
        last_peer: health.last_peer.map(|peer| peer.to_string()),
        last_dead_at: health.last_dead_at,
        last_dead_code: health.last_dead_code,
        token_hint: source.token_hint.clone(),
        listener: source.listener.clone(),
        peers: source.peers.iter().map(net_text).collect(),
        path: source.path.clone(),
        utc_offset_minutes: source.utc_offset_minutes,
        silence_after_s: i64::from(source.silence_after_s),
        enabled: source.enabled,
        created_at: source.created_at,
        version: source.version,
        parser_title: match parser {
            Some(parser) => told(&parser.title_vi, &parser.title_en),
            None => Phrase::key("registry-source-parser-auto").text(who.lang),
        },
        parser_hint: parser
            .map(|parser| told(&parser.connect_vi, &parser.connect_en))
            .unwrap_or_default(),
        snippets: snippets(&registry.intake, &source, &placeholder),
        chart,
    }))
}

async fn new(
    State(registry): State<Registry>,
    who: Who,
    Query(draft): Query<SourceDraft>,
) -> Result<View<SourceForm>, AppError> {
    let snapshot = registry.directory.snapshot();
    Ok(View::new(form(&registry, &snapshot, &who, (None, draft, Errors::new()))))
}

async fn edit(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
) -> Result<View<SourceForm>, AppError> {
    let draft = SourceDraft::from(&found(&registry, &who, id).await?);
    let snapshot = registry.directory.snapshot();
    Ok(View::new(form(&registry, &snapshot, &who, (Some(id), draft, Errors::new()))))
}

fn form(
    registry: &Registry,
    snapshot: &Snapshot,
    who: &Who,
    (id, draft, errors): (Option<SourceId>, SourceDraft, Errors),
) -> SourceForm {
    let kinds = SourceKind::ALL
        .map(|kind| (kind.word().to_owned(), Phrase::key(kind.key()).text(who.lang)));
    let parser = |info: &super::ParserInfo| {
        let title = match who.lang {
            Lang::Vi => &info.title_vi,
            Lang::En => &info.title_en,
        };
        (info.id.clone(), title.clone())
    };
    let listeners: Vec<(String, String)> = registry
        .intake
        .syslog
        .iter()
        .map(|listener| {
            let label = format!("{} ({} {})", listener.name, listener.transport, listener.port);
            (listener.name.clone(), label)
        })
        .collect();
    let choose = |all: Vec<(String, String)>, present: Option<&str>| -> Vec<Choice> {
        choices(all, present)
    };
    SourceForm {
        id: id.map(|id| id.to_string()),
        kinds: choose(kinds.to_vec(), Some(&draft.kind)),
        parsers: choose(registry.parsers.iter().map(parser).collect(), Some(&draft.parser)),
        agencies: agency_choices(snapshot, who, draft.agency),
        systems: system_choices(snapshot, who, draft.system),
        listeners: choose(listeners, draft.listener.as_deref()),
        draft,
        errors,
    }
}

async fn create(
    State(registry): State<Registry>,
    who: Who,
    Body(draft): Body<SourceDraft>,
) -> Result<Response, AppError> {
    match actions::create(&registry, &who, draft.clone()).await {
        Ok((source, Some(token))) => Ok(token_page(&registry, &source, &token)),
        Ok((source, None)) => Ok(done(format!("/sources/{}", source.id))
            .made()
            .notice(Phrase::key("registry-source-made").arg("name", source.name))
            .into_response()),
        Err(error) => forms::again(&who, error, |errors| {
            form(&registry, &registry.directory.snapshot(), &who, (None, draft, errors))
        }),
    }
}

async fn update(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
    Body(draft): Body<SourceDraft>,
) -> Result<Response, AppError> {
    match actions::update(&registry, &who, id, draft.clone()).await {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error) => forms::again(&who, error, |errors| {
            form(&registry, &registry.directory.snapshot(), &who, (Some(id), draft, errors))
        }),
    }
}

async fn rotate(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
) -> Result<Response, AppError> {
    let (source, token) = actions::rotate_token(&registry, &who, id).await?;
    Ok(token_page(&registry, &source, &token))
}

async fn revoke(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
) -> Result<Done, AppError> {
    actions::revoke_token(&registry, &who, id).await?;
    Ok(saved(id))
}

async fn enable(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
) -> Result<Done, AppError> {
    actions::switch(&registry, &who, id, Switch::On).await?;
    Ok(saved(id))
}

async fn disable(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SourceId>,
) -> Result<Done, AppError> {
    actions::switch(&registry, &who, id, Switch::Off).await?;
    Ok(saved(id))
}

fn saved(id: SourceId) -> Done {
    done(format!("/sources/{id}")).notice(Phrase::key("registry-saved"))
}

fn token_page(registry: &Registry, source: &LogSource, token: &Token) -> Response {
    View::new(SourceToken {
        id: source.id.to_string(),
        name: source.name.clone(),
        token: token.reveal().to_owned(),
        snippets: snippets(&registry.intake, source, token.reveal()),
    })
    .into_response()
}

async fn found(registry: &Registry, who: &Who, id: SourceId) -> Result<LogSource, AppError> {
    let source = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    source.ok_or(AppError::NotFound)
}
