//! A view: one struct, three faces (page, htmx fragment, JSON). A handler returns it unrendered; the
//! middleware [`crate::render`] knows the reader and picks the face.

use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::Phrase;
use crate::reader::Reader;

/// Something that can be shown: a template for people and data for programs.
pub trait Face: Send + Sync {
    /// Returns the body of the page for this reader.
    ///
    /// # Errors
    /// When the template fails: our bug.
    fn html(&self, reader: &Reader) -> Result<String, askama::Error>;

    /// Returns the data of the page.
    ///
    /// # Errors
    /// When it cannot be written as JSON: our bug.
    fn json(&self) -> Result<Vec<u8>, serde_json::Error>;
}

impl<T: askama::Template + Serialize + Send + Sync> Face for T {
    fn html(&self, reader: &Reader) -> Result<String, askama::Error> {
        self.render_with_values(reader)
    }

    fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// What stands round the body on a full page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Frame {
    /// Top bar, navigation, everything: for those who work here.
    #[default]
    Desk,
    /// One column and one small stylesheet: sign-in and public pages.
    Plain,
}

/// A view that a handler returns: `Ok(View::new(page))`.
#[derive(Debug, Clone)]
pub struct View<T> {
    body: T,
    status: StatusCode,
    frame: Frame,
}

impl<T> View<T> {
    /// Returns the view of this body, status 200, in the full frame.
    pub const fn new(body: T) -> Self {
        Self { body, status: StatusCode::OK, frame: Frame::Desk }
    }

    /// Puts the body into the plain frame of sign-in and public pages.
    #[must_use]
    pub const fn plain(mut self) -> Self {
        self.frame = Frame::Plain;
        self
    }

    /// Answers with another status, for example 422 for a form shown again with its errors.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

/// What a response carries to the render middleware.
#[derive(Clone)]
pub(crate) enum Unrendered {
    /// A page.
    Page { face: Arc<dyn Face>, frame: Frame },
    /// A change that was made.
    Done(Arc<Done>),
    /// What went wrong.
    Error(Arc<crate::AppError>),
}

impl<T: askama::Template + Serialize + Send + Sync + 'static> IntoResponse for View<T> {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let face: Arc<dyn Face> = Arc::new(self.body);
        response.extensions_mut().insert(Unrendered::Page { face, frame: self.frame });
        response
    }
}

/// A change that was made: a browser is sent on (303), htmx gets the new fragment (or is sent on),
/// a program gets 200 or 201 with the view's data.
pub struct Done {
    pub(crate) to: String,
    pub(crate) made: bool,
    pub(crate) notice: Option<Phrase>,
    pub(crate) face: Option<Arc<dyn Face>>,
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done")
            .field("to", &self.to)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// Returns the answer after a change; `to` is the page where its result is seen.
pub fn done(to: impl Into<String>) -> Done {
    Done { to: to.into(), made: false, notice: None, face: None }
}

impl Done {
    /// Says that something new was made: programs get 201.
    #[must_use]
    pub fn made(mut self) -> Self {
        self.made = true;
        self
    }

    /// Tells the reader on the next page what happened ("Đã nhận xử lý cảnh báo").
    #[must_use]
    pub fn notice(mut self, notice: Phrase) -> Self {
        self.notice = Some(notice);
        self
    }

    /// Gives the changed thing: the fragment for htmx and the data for programs.
    #[must_use]
    pub fn view<T: askama::Template + Serialize + Send + Sync + 'static>(
        mut self,
        body: T,
    ) -> Self {
        self.face = Some(Arc::new(body));
        self
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        response.extensions_mut().insert(Unrendered::Done(Arc::new(self)));
        response
    }
}
