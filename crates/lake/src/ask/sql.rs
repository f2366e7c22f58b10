//! Read-only SQL over the scope's events.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarUDF, Volatility, col, create_udf,
};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use event::Scope;
use event::lake::{Beside, Cells, LakeError, SqlWrong, Table, TableCell};
use futures::StreamExt as _;
use uuid::Uuid;

use super::Stop;
use super::alike::{counted_alike, nfc};
use super::calendar::calendar;
use super::fault::{Asked, refused, whole};
use super::has_token::has_token;
use super::moments::in_micros;
use super::passed_over::passed_over;
use super::spill;
use super::table::EventsTable;
use super::whole_numbers::{exact, whole_numbers};
#[cfg(feature = "distributed")]
use crate::distributed::{Cluster, MEMORY_BYTES_MAX};
use crate::limits::SQL_BYTES_MAX;
use crate::place::Place;
use crate::schema::{self, SCHEMA};
use crate::segment::Footers;
use crate::store::{SPILL_FOLDER, View};

/// Text of an answer in bytes: what a page can show and a browser can hold.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// Disk that one question may spill to.
const SPILL_BYTES_MAX: u64 = 4 << 30;

/// Operators one question may have.
const OPERATORS_MAX: usize = 400;

/// Words that nest what stands around them.
const DEEPENING: [Keyword; 20] = [
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::XOR,
    Keyword::DIV,
    Keyword::IS,
    Keyword::IN,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::RLIKE,
    Keyword::REGEXP,
    Keyword::SIMILAR,
    Keyword::BETWEEN,
    Keyword::CASE,
    Keyword::WHEN,
    Keyword::JOIN,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
    Keyword::SELECT,
];

/// Threads one question's plan is cut for.
const PARTITIONS: usize = 2;

/// What one SQL question may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqlLimits {
    pub(crate) memory_bytes: usize,
    pub(crate) rows_max: usize,
}

/// Where a question's files are, and who may work on it.
#[derive(Debug)]
pub(crate) struct SqlPlace {
    pub(crate) place: Arc<Place>,
    pub(crate) footers: Arc<Footers>,
    #[cfg(feature = "distributed")]
    pub(crate) cluster: Option<Arc<Cluster>>,
}

/// Runs one `SELECT` over the scope's table `events` and the tables beside it.
pub(crate) async fn sql(
    view: View,
    place: &SqlPlace,
    (scope, beside): (&Scope, &[Beside]),
    text: &str,
    limits: SqlLimits,
    stop: &Stop,
) -> Result<Table, LakeError> {
    if text.len() > SQL_BYTES_MAX {
        return Err(LakeError::Sql(whole(SqlWrong::TooLong(SQL_BYTES_MAX as u64))));
    }
    if is_too_deep(text) {
        return Err(LakeError::Sql(whole(SqlWrong::TooDeep)));
    }
    stop.check()?;
    let question = Question { view, place, scope, beside, text, limits };
    #[cfg(feature = "distributed")]
    if let Some(table) = elsewhere(&question, stop).await {
        return Ok(Table { took_ms: stop.took_ms(), ..table });
    }
    let answer = async {
        let context = context(&place.place, limits.memory_bytes)?;
        let (plan, task) = planned(context, &question).await?;
        let stream = execute_stream(plan.0, task)?;
        answer(plan.1, stream, limits.rows_max).await
    };
    match tokio::time::timeout(stop.left(), answer).await {
        Ok(answer) => answer
            .map(|table| Table { took_ms: stop.took_ms(), ..table })
            .map_err(|why| why.told(text, beside)),
        Err(_) => Err(stop.timeout().into()),
    }
}

/// A question that keeps to the bounds.
struct Question<'a> {
    view: View,
    place: &'a SqlPlace,
    scope: &'a Scope,
    beside: &'a [Beside],
    text: &'a str,
    limits: SqlLimits,
}

/// Why there is no answer.
enum NoAnswer {
    /// As the engine says it: a question that cannot be answered, or a lake that failed.
    Engine(DataFusionError),
    /// As it is told.
    Told(LakeError),
}

impl NoAnswer {
    /// Returns what is told to whoever asked.
    fn told(self, text: &str, beside: &[Beside]) -> LakeError {
        match self {
            Self::Told(error) => error,
            Self::Engine(error) => {
                let tables = beside.iter().map(|table| table.name);
                refused(error, &Asked::new(text, std::iter::once("events").chain(tables).collect()))
            }
        }
    }
}

impl From<DataFusionError> for NoAnswer {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error)
    }
}

/// Has a cluster answer, if there is one and it is worth it. Whatever fails there is no answer: this node then
/// answers by itself, and says what is wrong with the question.
#[cfg(feature = "distributed")]
async fn elsewhere(question: &Question<'_>, stop: &Stop) -> Option<Table> {
    let cluster = question.place.cluster.as_ref()?;
    let memory: usize =
        question.view.batches.iter().map(|rows| rows.batch.get_array_memory_size()).sum();
    // Rows in memory travel with the plan.
    if memory > MEMORY_BYTES_MAX {
        return None;
    }
    // So much that this node can still answer by itself when the cluster fails.
    let time = stop.left() * 2 / 3;
    let config = cluster.config();
    let answered = async {
        let context = SessionContext::new_with_config(config.clone());
        let ((plan, columns), _) = planned(context, question).await.ok()?;
        let plan = cluster.worth_sending(plan)?;
        let mut coming = cluster.send(plan, config, time);
        let mut rows = TextRows::new(columns, question.limits.rows_max);
        while let Some(batch) = coming.next().await {
            match batch {
                Ok(batch) if rows.add(&batch).ok()? => {}
                Ok(_) => break,
                Err(error) => {
                    cluster.failed(&error);
                    return None;
                }
            }
        }
        cluster.answered();
        Some(rows.table)
    };
    match tokio::time::timeout(time, answered).await {
        Ok(table) => table,
        Err(late) => {
            cluster.failed(&late);
            None
        }
    }
}

/// Returns the plan of a question, with the columns of its answer.
async fn planned(
    context: SessionContext,
    question: &Question<'_>,
) -> Result<((Arc<dyn ExecutionPlan>, Vec<String>), Arc<TaskContext>), NoAnswer> {
    register_events(&context, question.view.clone(), question.place, question.scope)?;
    for table in question.beside {
        context.register_batch(table.name, batch_of(table)?)?;
    }
    let plan = plan(&context, question.text).await?;
    let frame = DataFrame::new(context.state(), plan);
    let frame = frame.limit(0, Some(question.limits.rows_max + 1))?;
    let columns = column_names(frame.schema());
    let task = Arc::new(frame.task_ctx());
    Ok(((cooperative(frame.create_physical_plan().await?)?, columns), task))
}

fn context(place: &Place, memory_bytes: usize) -> Result<SessionContext, DataFusionError> {
    let disk = spill::disk(place.folder().join(SPILL_FOLDER), place.keys(), SPILL_BYTES_MAX)?;
    let runtime: Arc<RuntimeEnv> = RuntimeEnvBuilder::new()
        .with_memory_limit(memory_bytes, 1.0)
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let mut config = SessionConfig::new()
        .with_target_partitions(PARTITIONS)
        .with_information_schema(false)
        .with_parquet_bloom_filter_pruning(true)
        .with_parquet_page_index_pruning(true);
    config.options_mut().execution.parquet.pushdown_filters = true;
    // Where in the question a name stands that is not there.
    config.options_mut().sql_parser.collect_spans = true;
    config.options_mut().execution.parquet.schema_force_view_types = false;
    // With several of them it leaves out rows that one of them wants (DataFusion 55.2).
    config.options_mut().optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// Returns the functions that questions know beside those of every engine, or in another way.
pub(crate) fn functions() -> Vec<ScalarUDF> {
    let own = [has_token(), id_text(), nfc()];
    own.into_iter().chain(calendar()).chain(whole_numbers()).collect()
}

/// Registers the scope's events.
fn register_events(
    context: &SessionContext,
    view: View,
    place: &SqlPlace,
    scope: &Scope,
) -> Result<(), DataFusionError> {
    let store = ObjectStoreUrl::parse("lake://events/")?;
    let files = place.place.for_sql(&view.segments)?;
    context.register_object_store(store.as_ref(), Arc::clone(&files));
    for function in functions() {
        context.register_udf(function);
    }
    let footers = Arc::clone(&place.footers);
    let mut batches: Vec<RecordBatch> =
        view.batches.iter().map(|rows| rows.batch.clone()).collect();
    let tail = view.tail.iter().flat_map(|events| events.iter());
    batches.push(crate::rows::encode(tail)?.batch);
    let agencies = scope.visible().map(|ids| ids.iter().map(ToString::to_string).collect());
    let agencies = agencies.map(Arc::new);
    let table = EventsTable { batches, segments: view.segments, store, files, footers, agencies };
    let frame = context.read_table(Arc::new(table))?;
    let id_text = id_text();
    let columns: Vec<Expr> = SCHEMA
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| *name != schema::EXTRA_TEXT)
        .map(|name| match name {
            schema::ID => id_text.call(vec![col(schema::ID)]).alias(schema::ID),
            name => col(name),
        })
        .collect();
    context.register_table("events", frame.select(columns)?.into_view())?;
    Ok(())
}

/// Returns a table beside the events as DataFusion reads it.
fn batch_of(table: &Beside) -> Result<RecordBatch, DataFusionError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::<ArrayRef>::new());
    for (name, cells) in &table.columns {
        let column: ArrayRef = match cells {
            Cells::Text(texts) => Arc::new(texts.iter().cloned().collect::<StringArray>()),
            Cells::Number(numbers) => Arc::new(numbers.iter().copied().collect::<Int64Array>()),
        };
        fields.push(Field::new(*name, column.data_type().clone(), true));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Returns the function that shows an event's id as people and addresses know it.
fn id_text() -> ScalarUDF {
    let bytes = DataType::FixedSizeBinary(16);
    create_udf(
        "event_id_text",
        vec![bytes],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|values| {
            let arrays = ColumnarValue::values_to_arrays(values)?;
            let Some(ids) = arrays.first().and_then(|array| array.as_fixed_size_binary_opt())
            else {
                return exec_err!("an event id is 16 bytes");
            };
            let texts = ids.iter().map(|id| {
                id.and_then(|id| Uuid::from_slice(id).ok()).map(|id| id.hyphenated().to_string())
            });
            Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
        }),
    )
}

/// Reads the question: exactly one query, and nothing that changes anything.
async fn plan(context: &SessionContext, text: &str) -> Result<LogicalPlan, NoAnswer> {
    let refused = || NoAnswer::Told(LakeError::Sql(whole(SqlWrong::NotOneSelect)));
    let state = context.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(text, &dialect)?;
    let Statement::Statement(inner) = &statement else { return Err(refused()) };
    let ast::Statement::Query(query) = inner.as_ref() else { return Err(refused()) };
    if !query.locks.is_empty() || !reads_only(&query.body) {
        return Err(refused());
    }
    if let Some(words) = passed_over(inner) {
        return Err(NoAnswer::Told(LakeError::Unsupported(words)));
    }
    let plan = state.statement_to_plan(statement).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)?;
    Ok(counted_alike(exact(in_micros(plan)?)?)?)
}

/// Returns whether a question has so many operators that their tree may be too deep to walk: the
/// parser counts parentheses, but a long `a OR b OR c …` nests as well.
fn is_too_deep(text: &str) -> bool {
    // What cannot be cut into words is told by the parser.
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize().unwrap_or_default();
    let is_flat = |token: &&Token| match token {
        Token::Word(word) => !DEEPENING.contains(&word.keyword),
        Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::Number(..)
        | Token::SingleQuotedString(_) => true,
        _ => false,
    };
    tokens.iter().filter(|token| !is_flat(token)).count() > OPERATORS_MAX
}

fn reads_only(body: &ast::SetExpr) -> bool {
    match body {
        ast::SetExpr::Select(select) => select.into.is_none(),
        ast::SetExpr::Query(query) => reads_only(&query.body),
        ast::SetExpr::SetOperation { left, right, .. } => reads_only(left) && reads_only(right),
        ast::SetExpr::Values(_) => true,
        _ => false,
    }
}

async fn answer(
    columns: Vec<String>,
    mut stream: SendableRecordBatchStream,
    rows_max: usize,
) -> Result<Table, NoAnswer> {
    let mut rows = TextRows::new(columns, rows_max);
    while let Some(batch) = stream.next().await {
        if !rows.add(&batch?)? {
            break;
        }
    }
    Ok(rows.table)
}

/// Collects an answer as text.
struct TextRows {
    table: Table,
    limit: usize,
    bytes: usize,
}

impl TextRows {
    fn new(columns: Vec<String>, limit: usize) -> Self {
        Self { table: Table { columns, ..Table::default() }, limit, bytes: 0 }
    }

    /// Takes in rows; returns whether there is room for more.
    fn add(&mut self, batch: &RecordBatch) -> Result<bool, DataFusionError> {
        let options = FormatOptions::default().with_null("");
        let columns = batch
            .columns()
            .iter()
            .map(|column| Ok((ArrayFormatter::try_new(column, &options)?, column.logical_nulls())))
            .collect::<Result<Vec<_>, ArrowError>>()?;
        for row in 0..batch.num_rows() {
            if self.table.rows.len() >= self.limit || self.bytes >= ANSWER_BYTES_MAX {
                self.table.truncated = true;
                return Ok(false);
            }
            let cells = columns.iter().map(|(column, nulls)| {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return Ok(TableCell::default());
                }
                Ok(TableCell::new(Some(column.value(row).try_to_string()?)))
            });
            let cells = cells.collect::<Result<Vec<_>, ArrowError>>()?;
            self.bytes += cells.iter().filter_map(TableCell::text).map(str::len).sum::<usize>();
            self.table.rows.push(cells);
        }
        Ok(true)
    }
}

/// Makes every join and every recursion give way now and then: `DataFusion` does so where rows are
/// read, but a join makes many rows of few and would never notice that its time is up.
fn cooperative(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let wrapped = plan.transform_up(|node| {
        if node.children().len() < 2 {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _))
    });
    Ok(wrapped?.data)
}

fn column_names(schema: &DFSchema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}
