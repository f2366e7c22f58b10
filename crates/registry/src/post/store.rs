//! The tables `post`, `person` and `post_holding`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::DbError;
use event::{AccountId, AgencyId, Scope, fold};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{Condition, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::model::{Holding, Person, PersonFilter, Post, PostFilter, PostKind};
use crate::{limits, stores};

/// Most holdings read of one post or person: a change a year for a working life.
const HISTORY_MAX: u64 = 200;

mod post {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub agency_id: Uuid,
        pub title: String,
        pub title_folded: String,
        pub kind: String,
        pub duties: String,
        pub created_at: DateTimeUtc,
        pub closed_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod person {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "person")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub agency_id: Uuid,
        pub name: String,
        pub name_folded: String,
        pub phone: String,
        pub email: String,
        pub account_id: Option<Uuid>,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod holding {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post_holding")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub post_id: Uuid,
        pub person_id: Uuid,
        pub from_at: DateTimeUtc,
        pub to_at: Option<DateTimeUtc>,
        pub decision: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<post::Model> for Post {
    fn from(row: post::Model) -> Self {
        Self {
            id: row.id,
            agency: AgencyId::from_uuid(row.agency_id),
            title: row.title,
            kind: PostKind::from_word(&row.kind),
            duties: row.duties,
            created_at: row.created_at,
            closed_at: row.closed_at,
        }
    }
}

impl From<&Post> for post::Model {
    fn from(post: &Post) -> Self {
        Self {
            id: post.id,
            agency_id: post.agency.uuid(),
            title: post.title.clone(),
            title_folded: fold::fold(&post.title),
            kind: post.kind.word().to_owned(),
            duties: post.duties.clone(),
            created_at: post.created_at,
            closed_at: post.closed_at,
        }
    }
}

impl From<person::Model> for Person {
    fn from(row: person::Model) -> Self {
        Self {
            id: row.id,
            agency: AgencyId::from_uuid(row.agency_id),
            name: row.name,
            phone: row.phone,
            email: row.email,
            account: row.account_id.map(AccountId::from_uuid),
            created_at: row.created_at,
        }
    }
}

impl From<&Person> for person::Model {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id,
            agency_id: person.agency.uuid(),
            name: person.name.clone(),
            name_folded: fold::fold(&format!("{} {}", person.name, person.phone)),
            phone: person.phone.clone(),
            email: person.email.clone(),
            account_id: person.account.map(AccountId::uuid),
            created_at: person.created_at,
        }
    }
}

impl From<holding::Model> for Holding {
    fn from(row: holding::Model) -> Self {
        Self {
            id: row.id,
            post: row.post_id,
            person: row.person_id,
            from: row.from_at,
            to: row.to_at,
            decision: row.decision,
        }
    }
}

/// Begins every read of posts: what lies outside the scope does not exist.
fn seen_posts(scope: &Scope) -> Select<post::Entity> {
    stores::within(scope, post::Column::AgencyId)
}

/// Begins every read of people.
fn seen_people(scope: &Scope) -> Select<person::Entity> {
    stores::within(scope, person::Column::AgencyId)
}

fn lasting(now: DateTime<Utc>) -> Condition {
    Condition::all().add(holding::Column::FromAt.lte(now)).add(
        Condition::any().add(holding::Column::ToAt.is_null()).add(holding::Column::ToAt.gt(now)),
    )
}

fn filtered_posts(scope: &Scope, filter: &PostFilter, now: DateTime<Utc>) -> Select<post::Entity> {
    let mut query = seen_posts(scope);
    let held = || {
        Query::select()
            .column(holding::Column::PostId)
            .from(holding::Entity)
            .cond_where(lasting(now))
            .to_owned()
    };
    if let Some(typed) = &filter.q {
        let named = Query::select()
            .column(person::Column::Id)
            .from(person::Entity)
            .and_where(person::Column::NameFolded.like(db::holding(typed)))
            .to_owned();
        let by_name = held().and_where(holding::Column::PersonId.in_subquery(named)).to_owned();
        let found = Condition::any()
            .add(post::Column::TitleFolded.like(db::holding(typed)))
            .add(post::Column::Id.in_subquery(by_name));
        query = query.filter(found);
    }
    if let Some(agency) = filter.agency {
        query = query.filter(post::Column::AgencyId.eq(agency.uuid()));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(post::Column::Kind.eq(kind.as_str()));
    }
    match filter.state.as_deref() {
        Some("closed") => query.filter(post::Column::ClosedAt.is_not_null()),
        Some("vacant") => query
            .filter(post::Column::ClosedAt.is_null())
            .filter(post::Column::Id.not_in_subquery(held())),
        _ => query.filter(post::Column::ClosedAt.is_null()),
    }
}

/// Returns a part of the list of posts and how long the whole list is.
pub(super) async fn posts(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (filter, now): (&PostFilter, DateTime<Utc>),
    part: (u64, u64),
) -> Result<(Vec<Post>, u64), DbError> {
    let query = filtered_posts(scope, filter, now)
        .order_by_asc(post::Column::AgencyId)
        .order_by_asc(post::Column::TitleFolded)
        .order_by_asc(post::Column::Id);
    stores::part(conn, query, part).await
}

/// Returns a post, if it is in scope.
pub(super) async fn post_by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Post>, DbError> {
    let row = seen_posts(scope).filter(post::Column::Id.eq(id)).one(conn).await?;
    Ok(row.map(Post::from))
}

pub(super) async fn insert_post(conn: &impl ConnectionTrait, post: &Post) -> Result<(), DbError> {
    stores::insert(conn, post::Model::from(post)).await
}

/// Gives the posts of an agency to another; returns how many.
pub(crate) async fn move_posts(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    stores::move_all::<post::Entity>(conn, (post::Column::AgencyId, None), from_to).await
}

/// Gives the people of an agency to another; returns how many.
pub(crate) async fn move_people(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    stores::move_all::<person::Entity>(conn, (person::Column::AgencyId, None), from_to).await
}

pub(super) async fn update_post(conn: &impl ConnectionTrait, post: &Post) -> Result<(), DbError> {
    let row = post::Model::from(post).into_active_model().reset_all();
    post::Entity::update(row).exec(conn).await?;
    Ok(())
}

fn filtered_people(scope: &Scope, filter: &PersonFilter) -> Select<person::Entity> {
    let mut query = seen_people(scope);
    if let Some(typed) = &filter.q {
        query = query.filter(person::Column::NameFolded.like(db::holding(typed)));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(person::Column::AgencyId.eq(agency.uuid()));
    }
    query
}

/// Returns a part of the list of people and how long the whole list is.
pub(super) async fn people(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &PersonFilter,
    part: (u64, u64),
) -> Result<(Vec<Person>, u64), DbError> {
    let query = filtered_people(scope, filter)
        .order_by_asc(person::Column::NameFolded)
        .order_by_asc(person::Column::Id);
    stores::part(conn, query, part).await
}

/// Returns a person, if they are in scope.
pub(crate) async fn person_by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Person>, DbError> {
    let row = seen_people(scope).filter(person::Column::Id.eq(id)).one(conn).await?;
    Ok(row.map(Person::from))
}

/// Returns the people of these ids who are in scope.
pub(super) async fn people_by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    ids: Vec<Uuid>,
) -> Result<Vec<Person>, DbError> {
    let rows = seen_people(scope).filter(person::Column::Id.is_in(ids)).all(conn).await?;
    Ok(rows.into_iter().map(Person::from).collect())
}

/// Returns the posts of these ids that are in scope.
pub(super) async fn posts_by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    ids: Vec<Uuid>,
) -> Result<Vec<Post>, DbError> {
    let rows = seen_posts(scope).filter(post::Column::Id.is_in(ids)).all(conn).await?;
    Ok(rows.into_iter().map(Post::from).collect())
}

/// Returns everyone in scope.
pub(crate) async fn all_people(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Vec<Person>, DbError> {
    let rows = seen_people(scope).limit(limits::ROWS_MAX).all(conn).await?;
    Ok(rows.into_iter().map(Person::from).collect())
}

/// Returns everyone who holds a post at a moment.
pub(crate) async fn holders(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Uuid>, DbError> {
    let query = holding::Entity::find()
        .select_only()
        .column(holding::Column::PersonId)
        .filter(lasting(now));
    let ids: Vec<Uuid> = query.into_tuple().all(conn).await?;
    Ok(ids.into_iter().collect())
}

/// Returns how many people of the province have a mail address; 0 for none.
pub(crate) async fn with_email(conn: &impl ConnectionTrait, email: &str) -> Result<usize, DbError> {
    if email.is_empty() {
        return Ok(0);
    }
    let found = person::Entity::find().filter(person::Column::Email.eq(email)).count(conn).await?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// Removes a person that nothing refers to: an import that is undone.
pub(crate) async fn delete_person(conn: &impl ConnectionTrait, id: Uuid) -> Result<(), DbError> {
    person::Entity::delete_by_id(id).exec(conn).await?;
    Ok(())
}

pub(crate) async fn insert_person(
    conn: &impl ConnectionTrait,
    person: &Person,
) -> Result<(), DbError> {
    stores::insert(conn, person::Model::from(person)).await
}

pub(crate) async fn update_person(
    conn: &impl ConnectionTrait,
    person: &Person,
) -> Result<(), DbError> {
    let row = person::Model::from(person).into_active_model().reset_all();
    person::Entity::update(row).exec(conn).await?;
    Ok(())
}

/// Returns what was ever held of a post that the caller may see, the newest first.
pub(super) async fn history_of_post(
    conn: &impl ConnectionTrait,
    post: &Post,
) -> Result<Vec<Holding>, DbError> {
    let rows = holding::Entity::find()
        .filter(holding::Column::PostId.eq(post.id))
        .order_by_desc(holding::Column::FromAt)
        .limit(HISTORY_MAX);
    Ok(rows.all(conn).await?.into_iter().map(Holding::from).collect())
}

/// Returns what a person whom the caller may see ever held, the newest first.
pub(super) async fn history_of_person(
    conn: &impl ConnectionTrait,
    person: &Person,
) -> Result<Vec<Holding>, DbError> {
    let rows = holding::Entity::find()
        .filter(holding::Column::PersonId.eq(person.id))
        .order_by_desc(holding::Column::FromAt)
        .limit(HISTORY_MAX);
    Ok(rows.all(conn).await?.into_iter().map(Holding::from).collect())
}

/// Returns who holds what now, of these posts or of these people.
pub(super) async fn held_now(
    conn: &impl ConnectionTrait,
    (posts, people): (Vec<Uuid>, Vec<Uuid>),
    now: DateTime<Utc>,
) -> Result<Vec<Holding>, DbError> {
    let either = Condition::any()
        .add(holding::Column::PostId.is_in(posts))
        .add(holding::Column::PersonId.is_in(people));
    let rows = holding::Entity::find().filter(either).filter(lasting(now)).all(conn).await?;
    Ok(rows.into_iter().map(Holding::from).collect())
}

pub(super) async fn insert_holding(
    conn: &impl ConnectionTrait,
    holding: &Holding,
) -> Result<(), DbError> {
    let row = holding::Model {
        id: holding.id,
        post_id: holding.post,
        person_id: holding.person,
        from_at: holding.from,
        to_at: holding.to,
        decision: holding.decision.clone(),
    };
    stores::insert(conn, row).await
}

/// Ends what is still held of a post; returns how many holdings ended.
pub(super) async fn end_holdings(
    conn: &impl ConnectionTrait,
    post: Uuid,
    to: DateTime<Utc>,
) -> Result<u64, DbError> {
    let ended = holding::Entity::update_many()
        .col_expr(holding::Column::ToAt, Expr::value(Some(to)))
        .filter(holding::Column::PostId.eq(post))
        .filter(holding::Column::ToAt.is_null())
        .exec(conn)
        .await?;
    Ok(ended.rows_affected)
}
