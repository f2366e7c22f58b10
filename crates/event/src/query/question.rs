//! Text → [`Question`]: a filter, and after the first `|` what is computed of the matching events.

use super::lexing::{Cursor, error_at};
use super::parse::{LENGTH_MAX, Parser};
use super::summary::{
    BY_MAX, FIGURES_MAX, Figure, FigureKind, RowStep, STEPS_MAX, Summary, TOP_ROWS, TimeSpan,
};
use super::{Comparison, ParseError, Query};

/// Rows that `limit` may ask for.
const ROWS_MAX: u32 = 10_000;

/// The narrowest and the widest bar of a time chart, in seconds.
const SPAN_S: std::ops::RangeInclusive<i64> = 1..=31 * 86_400;

/// Words that begin a stage.
pub const STAGES: [&str; 7] = ["stats", "timechart", "top", "rare", "where", "sort", "limit"];

/// A whole query line, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Which events.
    pub query: Query,
    /// What is computed of them; `None` asks for the events themselves.
    pub summary: Option<Summary>,
    /// The field names as they were typed, in order.
    pub fields: Vec<Mention>,
    /// The bare words as they were typed, in order.
    pub words: Vec<Mention>,
    /// How many characters of the line are the filter.
    pub filter_length: usize,
}

/// Something that was typed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// As typed.
    pub text: String,
    /// The column of its first character, from 1.
    pub column: usize,
}

/// Reads a whole query line. The empty text asks for every event.
///
/// # Errors
/// Where the line is wrong.
pub fn parse_question(text: &str) -> Result<Question, ParseError> {
    let cursor = Cursor::new(text);
    if cursor.length() > LENGTH_MAX {
        return Err(error_at(LENGTH_MAX + 1, "too-long", "the query is too long"));
    }
    let mut parser = Parser::new(cursor);
    let query = parser.filter()?;
    let filter_length = parser.cursor.column() - 1;
    let summary = match parser.cursor.peek() {
        None => None,
        Some('|') => Some(Stages { parser: &mut parser }.read()?),
        Some(_) => {
            return Err(parser
                .cursor
                .error("unexpected-close", "this parenthesis was never opened"));
        }
    };
    Ok(Question { query, summary, filter_length, fields: parser.fields, words: parser.words })
}

struct Stages<'a> {
    parser: &'a mut Parser,
}

impl Stages<'_> {
    fn cursor(&mut self) -> &mut Cursor {
        self.parser.cursor.skip_space();
        &mut self.parser.cursor
    }

    fn read(&mut self) -> Result<Summary, ParseError> {
        let mut summary = self.first()?;
        while self.cursor().eat("|") {
            if summary.steps.len() >= STEPS_MAX {
                return Err(self.cursor().error("too-many-stages", "there are too many stages"));
            }
            let step = self.step(&summary)?;
            summary.steps.push(step);
        }
        if self.cursor().at_end() {
            Ok(summary)
        } else {
            Err(self.cursor().error("stage-end", "a `|` or the end is expected here"))
        }
    }

    /// The stage that makes rows of events.
    fn first(&mut self) -> Result<Summary, ParseError> {
        self.cursor().eat("|");
        self.cursor();
        let column = self.parser.cursor.column();
        let word = self.cursor().name().to_lowercase();
        match word.as_str() {
            "stats" => self.stats(None),
            "timechart" => {
                let span = self.span()?;
                self.stats(Some(span))
            }
            "top" | "rare" => self.top(word == "top"),
            "where" | "sort" | "limit" | "head" => {
                Err(error_at(column, "stage-first", "stats, timechart, top or rare comes first"))
            }
            _ => Err(error_at(column, "stage-unknown", "there is no such stage")),
        }
    }

    fn span(&mut self) -> Result<TimeSpan, ParseError> {
        self.cursor();
        let column = self.parser.cursor.column();
        if !self.cursor().eat("span=") {
            return Ok(TimeSpan::Auto);
        }
        let wrong = || error_at(column, "span-shape", "a span is written span=10m (s, m, h or d)");
        let text = self.cursor().name();
        let unit = text.chars().last().ok_or_else(wrong)?;
        let count: i64 =
            text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
        let unit_s = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let wide_s = count.checked_mul(unit_s).filter(|wide_s| SPAN_S.contains(wide_s));
        wide_s.map(TimeSpan::Seconds).ok_or_else(wrong)
    }

    fn stats(&mut self, time: Option<TimeSpan>) -> Result<Summary, ParseError> {
        let mut summary = Summary { figures: Vec::new(), by: Vec::new(), time, steps: Vec::new() };
        let mut grouped = false;
        while !self.at_stage_end() {
            if self.eat_word("by") {
                grouped = true;
                break;
            }
            if summary.figures.len() >= FIGURES_MAX {
                return Err(self.cursor().error("too-many-figures", "there are too many figures"));
            }
            let figure = self.figure()?;
            summary.figures.push(figure);
            self.cursor().eat(",");
        }
        if summary.figures.is_empty() {
            summary.figures.push(count());
        }
        if grouped {
            summary.by = self.names()?;
        }
        let columns = summary.columns();
        let mut seen = std::collections::BTreeSet::new();
        if columns.iter().any(|name| !seen.insert(*name)) {
            return Err(self.cursor().error("name-twice", "two columns have the same name"));
        }
        Ok(summary)
    }

    /// `sum(bytes_out) as bytes`.
    fn figure(&mut self) -> Result<Figure, ParseError> {
        self.cursor();
        let column = self.parser.cursor.column();
        let word = self.cursor().name().to_lowercase();
        let known = FigureKind::ALL.iter().find(|(own, _)| *own == word || aliased(own, &word));
        let Some((_, kind)) = known else {
            return Err(error_at(column, "figure-unknown", "there is no such function"));
        };
        let field = if self.cursor().eat("(") {
            let field = if self.cursor().peek() == Some(')') { None } else { Some(self.field()?) };
            if !self.cursor().eat(")") {
                return Err(self.cursor().error("figure-shape", "a `)` is missing here"));
            }
            field
        } else {
            None
        };
        if field.is_none() && *kind != FigureKind::Count {
            return Err(error_at(
                column,
                "figure-field",
                "this function needs a field: sum(bytes_out)",
            ));
        }
        let own =
            field.as_ref().map_or_else(|| "count".to_owned(), |f| format!("{}({f})", kind.word()));
        let name = if self.eat_word("as") { self.name()? } else { own };
        Ok(Figure { kind: *kind, field, name })
    }

    /// `top 20 src_ip, dst_port`.
    fn top(&mut self, most: bool) -> Result<Summary, ParseError> {
        let rows = match self.cursor().peek() {
            // No field's name begins with `-`: a number is meant.
            Some(c) if c.is_ascii_digit() || c == '-' => self.rows()?,
            _ => TOP_ROWS,
        };
        self.eat_word("by");
        let by = self.names()?;
        let figure = by.len();
        Ok(Summary {
            figures: vec![count()],
            by,
            time: None,
            steps: vec![RowStep::Sort(vec![(figure, most)]), RowStep::Limit(rows)],
        })
    }

    /// A stage that works on the rows.
    fn step(&mut self, summary: &Summary) -> Result<RowStep, ParseError> {
        self.cursor();
        let column = self.parser.cursor.column();
        match self.cursor().name().to_lowercase().as_str() {
            "where" => self.condition(summary),
            "sort" => self.sort(summary),
            "limit" | "head" => Ok(RowStep::Limit(self.rows()?)),
            "stats" | "timechart" | "top" | "rare" => {
                Err(error_at(column, "stage-again", "the rows are made once, by the first stage"))
            }
            _ => Err(error_at(column, "stage-unknown", "there is no such stage")),
        }
    }

    fn condition(&mut self, summary: &Summary) -> Result<RowStep, ParseError> {
        let place = self.column(summary)?;
        let signs = [
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LessOrEqual),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ];
        self.cursor();
        let Some((_, comparison)) =
            signs.into_iter().find(|(sign, _)| self.parser.cursor.eat(sign))
        else {
            return Err(self
                .cursor()
                .error("comparison-missing", "one of > >= < <= is missing here"));
        };
        self.cursor();
        let column = self.parser.cursor.column();
        let number = self.cursor().name().parse::<f64>().ok().filter(|number| number.is_finite());
        let number = number
            .ok_or_else(|| error_at(column, "number-expected", "a number is expected here"))?;
        Ok(RowStep::Where(place, comparison, number))
    }

    fn sort(&mut self, summary: &Summary) -> Result<RowStep, ParseError> {
        let mut by = Vec::new();
        loop {
            let down = self.cursor().eat("-");
            if !down {
                self.cursor().eat("+");
            }
            let place = self.column(summary)?;
            let down = self.eat_word("desc") || (!self.eat_word("asc") && down);
            by.push((place, down));
            if by.len() > BY_MAX + FIGURES_MAX || !self.cursor().eat(",") {
                return Ok(RowStep::Sort(by));
            }
        }
    }

    /// A column of the rows, as its name or as the figure was written.
    fn column(&mut self, summary: &Summary) -> Result<usize, ParseError> {
        self.cursor();
        let column = self.parser.cursor.column();
        let mut name = self.name()?;
        if self.parser.cursor.eat("(") {
            let field = self.cursor().name();
            self.cursor().eat(")");
            name =
                if field.is_empty() { name } else { format!("{}({field})", name.to_lowercase()) };
        }
        let place = summary.columns().iter().position(|own| *own == name);
        place.ok_or_else(|| error_at(column, "column-unknown", "the rows have no such column"))
    }

    fn rows(&mut self) -> Result<u32, ParseError> {
        self.cursor();
        let column = self.parser.cursor.column();
        let count =
            self.cursor().name().parse().ok().filter(|count| (1..=ROWS_MAX).contains(count));
        count.ok_or_else(|| {
            error_at(column, "rows-expected", "a number from 1 to 10000 is expected")
        })
    }

    fn names(&mut self) -> Result<Vec<String>, ParseError> {
        let mut names = vec![self.field()?];
        while self.cursor().eat(",") || !self.at_stage_end() {
            if names.len() >= BY_MAX {
                return Err(self.cursor().error("too-many-by", "there are too many fields"));
            }
            let field = self.field()?;
            names.push(field);
        }
        Ok(names)
    }

    /// A field of the events; noted, so that a mistyped one can be told.
    fn field(&mut self) -> Result<String, ParseError> {
        self.cursor();
        let column = self.parser.cursor.column();
        let text = self.name()?;
        self.parser.fields.push(Mention { text: text.clone(), column });
        Ok(text)
    }

    fn name(&mut self) -> Result<String, ParseError> {
        if self.cursor().peek() == Some('"') {
            return self.cursor().quoted_text();
        }
        let name = self.cursor().name();
        if name.is_empty() {
            return Err(self.cursor().error("field-missing", "a field's name is missing here"));
        }
        Ok(name)
    }

    fn at_stage_end(&mut self) -> bool {
        matches!(self.cursor().peek(), None | Some('|'))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.cursor().eat_name(word)
    }
}

fn count() -> Figure {
    Figure { kind: FigureKind::Count, field: None, name: "count".to_owned() }
}

/// Returns whether a word is what another product calls a function.
fn aliased(own: &str, word: &str) -> bool {
    matches!((own, word), ("distinct", "dc" | "distinct_count") | ("avg", "mean"))
}
