//! The engine's functions that cut moments and write them, for every moment that a file can hold: the engine counts
//! in nanoseconds, which begin in 1677 and end in 2262. What is outside of these years is moved into them, since the
//! calendar repeats itself every 400 years, and what comes of it is moved back.

use std::str::FromStr as _;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{ArrayRef, AsArray as _, PrimitiveArray};
use arrow::datatypes::{
    DataType, Field, FieldRef, IntervalDayTimeType, IntervalMonthDayNanoType, TimeUnit,
    TimestampMicrosecondType,
};
use chrono::{DateTime, Offset as _, TimeZone as _};
use datafusion::common::{ScalarValue, exec_datafusion_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::datetime;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// Microseconds of 400 years of the Gregorian calendar: 146,097 days, which are whole weeks.
const CYCLE_US: i64 = 146_097 * DAY_US;

/// Months of these years.
const CYCLE_MONTHS: i32 = 400 * 12;

const DAY_US: i64 = 86_400_000_000;

/// Microseconds from 1970 that are near: the bars of a moment that far away begin where nanoseconds still reach.
const NEAR_US: i64 = 285 * 365 * DAY_US;

/// Returns `date_trunc`, `date_bin` and `to_char`.
pub(super) fn calendar() -> [ScalarUDF; 3] {
    let of = |own: Arc<ScalarUDF>, work| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(Calendar { own, work, signature })
    };
    [
        of(datetime::date_trunc(), Work::Truncate),
        of(datetime::date_bin(), Work::Bin),
        of(datetime::to_char(), Work::Write),
    ]
}

/// What a function does with moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Work {
    /// Cuts them by the calendar of their zone.
    Truncate,
    /// Cuts them into equal steps, whatever their zone.
    Bin,
    /// Writes them.
    Write,
}

/// One of the engine's functions.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Calendar {
    own: Arc<ScalarUDF>,
    work: Work,
    signature: Signature,
}

impl Calendar {
    /// Returns the types that the engine takes in place of these.
    fn taken(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let field = |kind: &DataType| Arc::new(Field::new("argument", kind.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let fields = fields_with_udf(&fields, self.own.as_ref())?;
        Ok(fields.iter().map(|field| field.data_type().clone()).collect())
    }

    /// Returns by how much a moment is moved to come near, in microseconds: whole cycles, and its zone's distance
    /// from UTC.
    fn away_us(&self, moment: i64, cycle_us: Option<i64>, zone: Option<Tz>) -> Result<i64> {
        let far = || out_of_range(moment);
        let offset_us = match zone {
            Some(zone) if self.work == Work::Truncate => {
                let utc = DateTime::from_timestamp_micros(moment).ok_or_else(far)?.naive_utc();
                i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000
            }
            _ => 0,
        };
        let cycle_us = cycle_us.ok_or_else(far)?;
        let middle = moment.checked_add(cycle_us / 2 + offset_us).ok_or_else(far)?;
        Ok(middle.div_euclid(cycle_us) * cycle_us - offset_us)
    }

    /// Calls the engine's function with other moments.
    fn cut(
        &self,
        args: &ScalarFunctionArgs,
        moments: PrimitiveArray<TimestampMicrosecondType>,
    ) -> Result<PrimitiveArray<TimestampMicrosecondType>> {
        let rows = moments.len();
        let mut args = args.clone();
        args.number_rows = rows;
        if let Some(moment) = args.args.get_mut(1) {
            *moment = ColumnarValue::Array(Arc::new(moments));
        }
        let cut = self.own.inner().invoke_with_args(args)?.into_array(rows)?;
        Ok(cut.as_primitive::<TimestampMicrosecondType>().clone())
    }

    /// Cuts moments of which some are far away.
    fn cut_far(
        &self,
        args: &ScalarFunctionArgs,
        moments: &PrimitiveArray<TimestampMicrosecondType>,
    ) -> Result<ArrayRef> {
        type Moments = PrimitiveArray<TimestampMicrosecondType>;
        let zone = moments.timezone().map(Tz::from_str).transpose()?;
        let cycle_us = cycle_us(args.args.first());
        let away = moments.iter().map(|moment| {
            let far = moment.filter(|moment| is_far(*moment));
            far.map(|moment| self.away_us(moment, cycle_us, zone)).transpose()
        });
        let away = away.collect::<Result<Vec<Option<i64>>>>()?;
        let both = || moments.iter().zip(&away);
        let near: Moments = both().map(|(own, away)| own.filter(|_| away.is_none())).collect();
        let far: Moments = both().map(|(own, away)| Some(own? - (*away)?)).collect();
        let near = self.cut(args, near.with_timezone_opt(moments.timezone()))?;
        let far = self.cut(args, far)?;
        let cut = near.iter().zip(&far).zip(&away);
        let cut: Moments =
            cut.map(|((near, far), away)| near.or_else(|| Some(far? + (*away)?))).collect();
        Ok(Arc::new(cut.with_timezone_opt(moments.timezone())))
    }
}

/// Returns the time after which all that is cut repeats itself, in microseconds.
fn cycle_us(step: Option<&ColumnarValue>) -> Option<i64> {
    let (months, days, nanos) = match step {
        Some(ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(step)))) => {
            IntervalMonthDayNanoType::to_parts(*step)
        }
        Some(ColumnarValue::Scalar(ScalarValue::IntervalDayTime(Some(step)))) => {
            let (days, ms) = IntervalDayTimeType::to_parts(*step);
            (0, days, i64::from(ms) * 1_000_000)
        }
        // A part of the calendar.
        _ => return Some(CYCLE_US),
    };
    if months != 0 {
        return (CYCLE_MONTHS.checked_rem(months) == Some(0)).then_some(CYCLE_US);
    }
    let step_us = i64::from(days).checked_mul(DAY_US)?.checked_add(nanos / 1000)?;
    let times = CYCLE_US.checked_div(step_us).filter(|times| *times > 0)?;
    (nanos % 1000 == 0).then_some(times * step_us)
}

/// Returns whether a moment is outside of what is near.
fn is_far(moment: i64) -> bool {
    !(-NEAR_US..=NEAR_US).contains(&moment)
}

/// Says of a moment what the engine says.
fn out_of_range(moment: i64) -> DataFusionError {
    exec_datafusion_err!("Timestamp {moment} out of range")
}

impl ScalarUDFImpl for Calendar {
    fn name(&self) -> &str {
        self.own.name()
    }

    fn aliases(&self) -> &[String] {
        self.own.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.own.inner().return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.own.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let place = usize::from(self.work != Work::Write);
        let moment = match types.get(place) {
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone)) => zone.clone(),
            // Texts are read as moments.
            Some(DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8) if place == 1 => None,
            _ => return self.taken(types),
        };
        let mut types = types.to_vec();
        if let Some(own) = types.get_mut(place) {
            *own = DataType::Timestamp(TimeUnit::Nanosecond, moment.clone());
        }
        let mut taken = self.taken(&types)?;
        if let Some(own) = taken.get_mut(place) {
            *own = DataType::Timestamp(TimeUnit::Microsecond, moment);
        }
        Ok(taken)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let moment = args.args.get(1).filter(|_| self.work != Work::Write);
        let is_scalar = matches!(moment, Some(ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let moments = moment.map(|moment| moment.to_array(rows)).transpose()?;
        let moments = moments.as_ref().and_then(|moments| moments.as_primitive_opt());
        match moments {
            Some(moments) if moments.iter().flatten().any(is_far) => {
                let cut = self.cut_far(&args, moments)?;
                if is_scalar {
                    return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&cut, 0)?));
                }
                Ok(ColumnarValue::Array(cut))
            }
            _ => self.own.invoke_with_args(args),
        }
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.own.output_ordering(inputs)
    }
}
