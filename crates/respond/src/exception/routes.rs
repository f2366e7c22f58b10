//! The pages of exceptions.

use axum::extract::State;
use chrono::TimeDelta;
use event::{AlertId, EntityKind};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::Draft;
use super::views::{ExceptionForm, ExceptionList, ExceptionRow, PreviewView};
use super::{actions, store};
use crate::actor::Handler;
use crate::alert::{self, Reason};
use crate::desk::Desk;
use crate::error::RespondError;

/// How long an exception lives unless someone says otherwise.
const DAYS: i64 = 30;

/// Returns the routes of exceptions.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{ExceptionChange, ExceptionPropose, ExceptionRead};
    Routes::new()
        .get("/exceptions", ExceptionRead, list)
        .doc("Lists exceptions, the newest first")
        .gives::<ExceptionList>()
        .get("/exceptions/new", ExceptionPropose, form)
        .doc("Shows the form for an exception, filled from an alert")
        .gives::<ExceptionForm>()
        .post("/exceptions", ExceptionPropose, make)
        .doc("Makes an exception, or proposes it to the centre where the right to make one lacks")
        .takes::<NewException>()
        .post("/exceptions/preview", ExceptionPropose, preview)
        .doc("Shows what an exception would have hidden of the past days; nothing is stored")
        .takes::<NewException>()
        .gives::<ExceptionForm>()
        .post("/exceptions/{id}/end", ExceptionChange, end)
        .doc("Ends an exception before its time")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    rule: String,
    page: Option<u64>,
    rows: Option<u64>,
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<ExceptionList>, AppError> {
    Ok(View::new(listed(&desk, &who, &query).await?))
}

async fn listed(desk: &Desk, who: &Who, query: &ListQuery) -> Result<ExceptionList, RespondError> {
    let page = Page { page: query.page, rows: query.rows };
    let rule = Some(query.rule.as_str()).filter(|rule| !rule.is_empty());
    let (exceptions, total) = store::list(desk.db.conn(), &who.scope, rule, page).await?;
    let rest = crate::address::Address::of("").with("rule", &query.rule).query();
    Ok(ExceptionList {
        exceptions: exceptions.iter().map(|one| ExceptionRow::of(one, desk, &who.scope)).collect(),
        pager: page.pager("/exceptions", &rest, total),
    })
}

/// What the form begins with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct FormQuery {
    /// The alert that it is made from.
    alert: Option<AlertId>,
    rule: String,
    system: String,
    condition: String,
    reason: String,
    days: Option<i64>,
    /// Whether to look at what it would have hidden; never from the address.
    #[serde(skip)]
    preview: bool,
}

async fn form(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<FormQuery>,
) -> Result<View<ExceptionForm>, AppError> {
    Ok(View::new(filled(&desk, &who, &query).await?))
}

async fn preview(
    State(desk): State<Desk>,
    who: Who,
    Body(asked): Body<NewException>,
) -> Result<View<ExceptionForm>, AppError> {
    let query = FormQuery {
        alert: None,
        rule: asked.rule,
        system: asked.system,
        condition: asked.condition,
        reason: asked.reason,
        days: Some(asked.days),
        preview: true,
    };
    Ok(View::new(filled(&desk, &who, &query).await?))
}

async fn filled(desk: &Desk, who: &Who, query: &FormQuery) -> Result<ExceptionForm, AppError> {
    let mut form = ExceptionForm {
        rule: query.rule.clone(),
        title: query.rule.clone(),
        title_vi: None,
        system: query.system.clone(),
        system_name: String::new(),
        condition: query.condition.clone(),
        reason: query.reason.clone(),
        days: query.days.unwrap_or(DAYS),
        preview: None,
    };
    if let Some(id) = query.alert {
        let alert = alert::get(desk.db.conn(), &who.scope, id).await?;
        form.rule.clone_from(&alert.rule);
        form.title.clone_from(&alert.title);
        form.system = alert.system.map(|id| id.to_string()).unwrap_or_default();
        form.condition = match alert.entity.kind {
            EntityKind::SrcIp => crate::event_line::term("src_ip", &alert.entity.value),
            EntityKind::User => crate::event_line::term("user", &alert.entity.value),
            EntityKind::Host => crate::event_line::term("host", &alert.entity.value),
            EntityKind::Source => String::new(),
        };
    }
    if let Some(rule) = desk.rules.rule(&form.rule) {
        form.title = rule.title;
        form.title_vi = rule.title_vi;
    }
    let seen = desk.directory.systems(&who.scope);
    let system = seen.into_iter().find(|system| system.id == form.system);
    form.system_name = system.map(|system| system.name).unwrap_or_default();
    if query.preview {
        let placeholder = "preview only";
        let asked = NewException {
            rule: form.rule.clone(),
            system: form.system.clone(),
            condition: form.condition.clone(),
            reason: placeholder.to_owned(),
            days: form.days,
        };
        let draft = asked.draft(desk)?;
        let seen = actions::preview(desk, &who.scope, draft).await?;
        form.preview = Some(PreviewView::of(&seen, desk));
    }
    Ok(form)
}

/// A new exception.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewException {
    /// The rule's id.
    rule: String,
    /// The system's id; empty for all of them.
    #[serde(default)]
    system: String,
    /// What the completing event must be like; empty for any.
    #[serde(default)]
    condition: String,
    /// Why this is harmless.
    #[serde(default)]
    reason: String,
    /// For how many days.
    days: i64,
}

impl NewException {
    fn draft(&self, desk: &Desk) -> Result<Draft, AppError> {
        let system = match self.system.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| AppError::NotFound)?),
        };
        let Some(reason) = Reason::new(&self.reason) else {
            return Err(AppError::invalid("reason", Phrase::key("alert-error-reason")));
        };
        let days = self.days.clamp(-1, 10_000);
        Ok(Draft {
            rule: self.rule.clone(),
            agency: None,
            system,
            condition: self.condition.trim().to_owned(),
            reason,
            expires_at: desk.db.now() + TimeDelta::days(days),
        })
    }
}

async fn make(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<NewException>,
) -> Result<Done, AppError> {
    let draft = form.draft(&desk)?;
    if !who.may(Permission::ExceptionChange) {
        actions::propose(&desk, &who, draft).await?;
        return Ok(done("/approvals").made().notice(Phrase::key("exception-done-proposed")));
    }
    actions::make(&desk, &Handler::from(&who), draft).await?;
    Ok(done("/exceptions").made().notice(Phrase::key("exception-done-made")))
}

async fn end(State(desk): State<Desk>, who: Who, Path(id): Path<Uuid>) -> Result<Done, AppError> {
    actions::end(&desk, &Handler::from(&who), id).await?;
    Ok(done("/exceptions").notice(Phrase::key("exception-done-ended")))
}

#[cfg(test)]
mod tests {
    use db::testing::{databases, sqlite};
    use web::Role;
    use web::approval::Grave as _;
    use web::identity::{console, people};
    use web::testing::{faults, officer_of, who};

    use super::*;
    use crate::testing::{Maker, agency, desk, event_of, system};

    #[tokio::test]
    async fn the_form_is_filled_from_an_alert_and_shows_what_it_would_hide() {
        let test = sqlite().await;
        let finding = Maker::new().finding(-5);
        let desk = desk(&test, vec![event_of(&finding, "an")]);
        let directory = desk.directory.as_ref();
        let made = alert::receive(&desk.db, directory, &desk.hub, vec![finding], &[]).await;
        let id = made.unwrap().fresh[0];
        let who = who(Role::Analyst);
        let from_alert = FormQuery { alert: Some(id), ..FormQuery::default() };
        let form = filled(&desk, &who, &from_alert).await.unwrap();
        assert_eq!(form.condition, "src_ip:10.20.0.7");
        assert!(!form.system_name.is_empty());
        assert_eq!(faults(&form), Vec::<String>::new());
        assert!(filled(&desk, &officer_of([agency(2)]), &from_alert).await.is_err());

        let asked = FormQuery {
            rule: form.rule,
            system: form.system,
            condition: "user:an".to_owned(),
            preview: true,
            ..FormQuery::default()
        };
        let form = filled(&desk, &who, &asked).await.unwrap();
        let preview = form.preview.as_ref().unwrap();
        assert_eq!((preview.hidden, preview.looked_at), (1, 1));
        assert_eq!(faults(&form), Vec::<String>::new());

        let new = NewException {
            rule: form.rule.clone(),
            system: form.system.clone(),
            condition: form.condition.clone(),
            reason: "máy quét của trung tâm".to_owned(),
            days: 30,
        };
        let empty = listed(&desk, &who, &ListQuery::default()).await.unwrap();
        assert_eq!(faults(&empty), Vec::<String>::new());
        let draft = new.draft(&desk).unwrap();
        actions::make(&desk, &Handler::from(&who), draft).await.unwrap();
        let list = listed(&desk, &who, &ListQuery::default()).await.unwrap();
        assert!(list.exceptions[0].in_force);
        assert_eq!(faults(&list), Vec::<String>::new());
        let hidden = listed(&desk, &officer_of([agency(2)]), &ListQuery::default()).await;
        assert!(hidden.unwrap().exceptions.is_empty());
    }

    #[tokio::test]
    async fn an_officers_proposal_hides_nothing_until_the_centre_puts_it_in_force() {
        for test in databases().await {
            let finding = Maker::new().finding(-5);
            let desk = desk(&test, vec![event_of(&finding, "an")]);
            alert::receive(&desk.db, desk.directory.as_ref(), &desk.hub, vec![finding], &[])
                .await
                .unwrap();
            let password = "tre xanh ben lang".to_owned();
            console::add(&test.db, "an", "An", Role::Analyst, password).await.unwrap();
            let account = people(&test.db).await.unwrap()[0].account;
            let officer = Who { account, ..officer_of([agency(1)]) };
            let new = NewException {
                rule: crate::testing::WEB_SHELL.to_owned(),
                system: system(1).to_string(),
                condition: "user:an".to_owned(),
                reason: "máy quét của đơn vị".to_owned(),
                days: 30,
            };
            let draft = new.draft(&desk).unwrap();
            let stranger = actions::propose(&desk, &officer_of([agency(2)]), draft.clone()).await;
            assert!(matches!(stranger, Err(AppError::NotFound)));
            let everywhere = Draft { system: None, ..draft.clone() };
            assert!(actions::propose(&desk, &officer, everywhere).await.is_err());
            actions::propose(&desk, &officer, draft.clone()).await.unwrap();
            let twice = actions::propose(&desk, &officer, draft.clone()).await;
            assert!(matches!(twice, Err(AppError::Conflict(_))));
            let list = listed(&desk, &officer, &ListQuery::default()).await.unwrap();
            assert!(list.exceptions.is_empty(), "nothing is hidden yet");

            let payload = serde_json::json!({ "proposed_by": officer.account, "rule": draft.rule,
                    "agency": agency(1), "system": draft.system, "condition": draft.condition,
                    "reason": draft.reason, "expires_at": draft.expires_at });
            let put_in_force = async |payload: &serde_json::Value| {
                let tx = desk.db.begin().await.unwrap();
                let done = actions::MakeProposed.carry_out(&tx, payload).await;
                let entry = db::AuditEntry::new(
                    db::Actor::CommandLine,
                    "exception.make",
                    db::Subject::all("exception"),
                    serde_json::json!({}),
                );
                if done.is_ok() {
                    tx.commit(entry).await.unwrap();
                } else {
                    drop(tx);
                }
                done
            };
            let mut late = payload.clone();
            late["expires_at"] = serde_json::json!(desk.db.now() - TimeDelta::days(1));
            let over = put_in_force(&late).await;
            assert!(
                matches!(over, Err(AppError::Conflict(_))),
                "time has passed meanwhile: {over:?}"
            );
            put_in_force(&payload).await.unwrap();
            let list = listed(&desk, &officer, &ListQuery::default()).await.unwrap();
            assert!(list.exceptions[0].in_force);
            assert_eq!(list.exceptions[0].condition, "user:an");
            assert_eq!(faults(&list), Vec::<String>::new());
        }
    }
}
