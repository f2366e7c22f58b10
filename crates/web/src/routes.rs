//! The list of routes: each with its method, its path and who may use it.
//!
//! A slice builds its routes here and nowhere else, so a route without a stated access cannot exist.
//! The same list feeds the authorisation tests and the OpenAPI file.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::{AppError, By, Permission, Who};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, also someone not signed in.
    Public,
    /// Anyone signed in: their own account.
    SignedIn,
    /// Roles with this permission.
    Needs(Permission),
}

/// How a route is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "HTTP's own words")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Returns HTTP's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// A type's name and schema, and those of the types inside it.
#[derive(Clone)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Shape {
    fn of<T: ToSchema>() -> Self {
        let name = T::name().into_owned();
        let mut schemas = vec![(name.clone(), T::schema())];
        T::schemas(&mut schemas);
        Self { name, schemas }
    }
}

/// One route, as the tests and the OpenAPI file see it.
#[derive(Clone)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path with its parameters in braces, as under `/`; `/api/v1` stands before it for programs.
    pub path: String,
    /// Who may use it.
    pub access: Access,
    /// What it does, in a line of English.
    pub summary: &'static str,
    pub(crate) takes: Option<Shape>,
    pub(crate) gives: Option<Shape>,
}

impl fmt::Debug for RouteInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.method.word(), self.path, self.access)
    }
}

/// The routes of a slice (or of all of them, merged).
#[derive(Debug)]
pub struct Routes<S = ()> {
    router: Router<S>,
    list: Vec<RouteInfo>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Returns an empty list.
    pub fn new() -> Self {
        Self { router: Router::new(), list: Vec::new() }
    }

    /// Adds a page or query that needs a permission.
    #[must_use]
    pub fn get<H: Handler<T, S>, T: 'static>(
        self,
        path: &str,
        may: Permission,
        handler: H,
    ) -> Self {
        self.add(Method::Get, path, Access::Needs(may), handler)
    }

    /// Adds a change that needs a permission.
    #[must_use]
    pub fn post<H: Handler<T, S>, T: 'static>(
        self,
        path: &str,
        may: Permission,
        handler: H,
    ) -> Self {
        self.add(Method::Post, path, Access::Needs(may), handler)
    }

    /// Adds a page for anyone, signed in or not.
    #[must_use]
    pub fn public_get<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.add(Method::Get, path, Access::Public, handler)
    }

    /// Adds a change for anyone, signed in or not.
    #[must_use]
    pub fn public_post<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.add(Method::Post, path, Access::Public, handler)
    }

    /// Adds a page about the reader's own account.
    #[must_use]
    pub fn own_get<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.add(Method::Get, path, Access::SignedIn, handler)
    }

    /// Adds a change to the reader's own account.
    #[must_use]
    pub fn own_post<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.add(Method::Post, path, Access::SignedIn, handler)
    }

    /// Adds a route of any method.
    #[must_use]
    pub fn add<H: Handler<T, S>, T: 'static>(
        mut self,
        method: Method,
        path: &str,
        access: Access,
        handler: H,
    ) -> Self {
        let guarded = on(method.filter(), handler)
            .route_layer(from_fn(move |request, next| guard(access, request, next)));
        self.router = self.router.route(path, guarded);
        self.list.push(RouteInfo {
            method,
            path: path.to_owned(),
            access,
            summary: "",
            takes: None,
            gives: None,
        });
        self
    }

    /// Says in a line of English what the route just added does.
    #[must_use]
    pub fn doc(mut self, summary: &'static str) -> Self {
        if let Some(last) = self.list.last_mut() {
            last.summary = summary;
        }
        self
    }

    /// Says what the body of the route just added looks like.
    #[must_use]
    pub fn takes<B: ToSchema>(mut self) -> Self {
        if let Some(last) = self.list.last_mut() {
            last.takes = Some(Shape::of::<B>());
        }
        self
    }

    /// Says what the route just added answers.
    #[must_use]
    pub fn gives<V: ToSchema>(mut self) -> Self {
        if let Some(last) = self.list.last_mut() {
            last.gives = Some(Shape::of::<V>());
        }
        self
    }

    /// Adds the routes of another list.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.list.extend(other.list);
        self
    }

    /// Gives the handlers their state.
    pub fn with_state(self, state: S) -> Routes<()> {
        Routes { router: self.router.with_state(state), list: self.list }
    }

    /// Returns the list, for tests, navigation and the OpenAPI file.
    pub fn list(&self) -> &[RouteInfo] {
        &self.list
    }

    pub(crate) fn into_parts(self) -> (Router<S>, Vec<RouteInfo>) {
        (self.router, self.list)
    }
}

async fn guard(access: Access, request: Request, next: Next) -> Response {
    let who = request.extensions().get::<Arc<Who>>();
    let verdict = match (access, who) {
        // A token acts for its account, it does not change it: a leaked one cannot make more.
        (Access::SignedIn, Some(who))
            if who.by == By::Token && request.method() != http::Method::GET =>
        {
            Err(AppError::Forbidden)
        }
        (Access::Public, _) | (Access::SignedIn, Some(_)) => Ok(()),
        (_, None) => Err(AppError::NotSignedIn),
        (Access::Needs(permission), Some(who)) => who.require(permission),
    };
    match verdict {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}
