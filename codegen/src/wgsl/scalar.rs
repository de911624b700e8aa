//! Scalar code as WGSL statements: one `let` an instruction.

use sinew_ir::scalar::{Arithmetic, Bits, Comparison, Logic, UnaryFloat, UnaryNumber};
use sinew_ir::{DType, Scalar};

use super::source::Source;
use super::space::{Point, affine, guard, place};
use super::{EmitError, type_name};
use crate::kernel::{Code, Reg, ScalarInst, ScalarKind, SlotId, Store};

/// What code may refer to.
pub(super) struct Scope<'p> {
    /// The index of the element.
    pub point: &'p Point,
    /// Types of the row registers, which are variables `row0`, `row1`, ...
    pub rows: &'p [DType],
    /// For each row array, its element's type and expression.
    pub elements: &'p [(DType, String)],
    /// The name of the accumulated sum, in epilogues.
    pub accumulator: Option<&'p str>,
}

/// The name of a register.
pub(super) fn register(reg: Reg) -> String {
    format!("r{}", reg.0)
}

/// Writes the instructions of `code`.
pub(super) fn instructions(
    source: &mut Source,
    code: &Code,
    scope: &Scope,
) -> Result<(), EmitError> {
    for (at, inst) in code.insts.iter().enumerate() {
        let name = format!("r{at}");
        let text = value(source, &code.insts[..at], inst, &name, scope)?;
        if let Some(text) = text {
            source.line(&format!("let {name} = {text};"));
        }
    }
    Ok(())
}

/// Writes the stores of `code`, after its instructions.
pub(super) fn stores(source: &mut Source, code: &Code, scope: &Scope) -> Result<(), EmitError> {
    for Store {
        access,
        value,
        adds,
    } in &code.stores
    {
        let slot = source.slot(access.slot)?;
        if dtype_of(source, &code.insts, *value)? != slot.dtype {
            let what = format!("a store of another type in slot {}", access.slot.0);
            return Err(source.malformed(what));
        }
        let index = place(source, access, scope.point)?;
        let value = match adds {
            false => register(*value),
            true => format!(
                "{} + {}",
                source.load(access.slot, &index)?,
                register(*value)
            ),
        };
        let line = source.store(access.slot, &index, &value)?;
        source.line(&line);
    }
    Ok(())
}

/// The type of a register.
pub(super) fn dtype_of(
    source: &Source,
    insts: &[ScalarInst],
    reg: Reg,
) -> Result<DType, EmitError> {
    insts
        .get(reg.0 as usize)
        .map(|inst| inst.dtype)
        .ok_or_else(|| source.malformed(format!("r{} is not defined yet", reg.0)))
}

/// The expression of an instruction, or nothing where statements define it already.
fn value(
    source: &mut Source,
    before: &[ScalarInst],
    inst: &ScalarInst,
    name: &str,
    scope: &Scope,
) -> Result<Option<String>, EmitError> {
    let text = match &inst.kind {
        ScalarKind::Load(access) => {
            let index = place(source, access, scope.point)?;
            let condition = guard(source, access, scope.point)?;
            return load(source, inst.dtype, access.slot, &index, condition, name);
        }
        ScalarKind::Gather {
            access,
            index,
            extent,
            stride,
        } => {
            if dtype_of(source, before, *index)? != DType::I32 {
                return Err(source.malformed("a gather index that is no i32"));
            }
            let start = place(source, access, scope.point)?;
            let at = clamped(source, *index, *extent)?;
            let chosen = Point(vec![Some(at)]);
            let step = affine(source, 0, &[*stride], &chosen)?;
            let condition = guard(source, access, scope.point)?;
            let place = format!("{start} + {step}");
            return load(source, inst.dtype, access.slot, &place, condition, name);
        }
        ScalarKind::Const(number) => constant(source, inst.dtype, *number)?,
        ScalarKind::Index { offset, strides } => {
            let text = affine(source, *offset, strides, scope.point)?;
            match inst.dtype {
                DType::I32 => format!("bitcast<i32>({text})"),
                DType::U32 => text,
                DType::F32 => format!("f32(bitcast<i32>({text}))"),
                DType::F64 => return Err(source.f64()),
                DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                    return Err(source.malformed(format!("an index as {}", inst.dtype)));
                }
            }
        }
        ScalarKind::Row(row) => {
            if scope.rows.get(row.0 as usize) != Some(&inst.dtype) {
                return Err(source.malformed(format!("row register {} of another type", row.0)));
            }
            format!("row{}", row.0)
        }
        ScalarKind::Element(array) => match scope.elements.get(array.0 as usize) {
            Some((dtype, text)) if *dtype == inst.dtype => text.clone(),
            Some(_) | None => {
                return Err(source.malformed(format!("there is no row array {}", array.0)));
            }
        },
        ScalarKind::Accumulator => scope
            .accumulator
            .ok_or_else(|| source.malformed("an accumulator outside of an epilogue"))?
            .to_string(),
        ScalarKind::Apply(scalar, operands) => {
            let mut names = Vec::with_capacity(operands.len());
            let mut dtypes = Vec::with_capacity(operands.len());
            for &operand in operands {
                dtypes.push(dtype_of(source, before, operand)?);
                names.push(register(operand));
            }
            apply(source, *scalar, inst.dtype, &dtypes, &names)?
        }
    };
    Ok(Some(text))
}

/// The expression `clamp(index, 0, extent - 1)` as u32.
pub(super) fn clamped(source: &Source, index: Reg, extent: usize) -> Result<String, EmitError> {
    let last = extent
        .checked_sub(1)
        .and_then(|last| i32::try_from(last).ok())
        .ok_or_else(|| source.malformed(format!("an indexed axis of {extent} elements")))?;
    Ok(format!("u32(clamp({}, 0, {last}))", register(index)))
}

fn load(
    source: &mut Source,
    dtype: DType,
    slot: SlotId,
    index: &str,
    condition: Option<String>,
    name: &str,
) -> Result<Option<String>, EmitError> {
    if source.slot(slot)?.dtype != dtype {
        return Err(source.malformed(format!("a load of another type from slot {}", slot.0)));
    }
    let text = source.load(slot, index)?;
    let Some(condition) = condition else {
        return Ok(Some(text));
    };
    // A branch, not `select`: the place need not exist where the condition fails.
    let zero = constant(source, dtype, 0.0)?;
    let type_name = type_name(dtype).ok_or_else(|| source.f64())?;
    source.line(&format!("var {name}: {type_name} = {zero};"));
    source.open(&format!("if ({condition}) {{"));
    source.line(&format!("{name} = {text};"));
    source.close();
    Ok(None)
}

/// Writes a constant. Numbers are printed in full, since validators differ on roundings.
pub(super) fn constant(
    source: &mut Source,
    dtype: DType,
    number: f64,
) -> Result<String, EmitError> {
    Ok(match dtype {
        DType::F32 => {
            let single = number as f32;
            if single.is_normal() || single.to_bits() == 0 {
                format!("{:?}f", f64::from(single))
            } else {
                // Infinities, NaN, subnormals and -0.
                let from_bits = source.need("from_bits");
                format!("{from_bits}(0x{:08x}u)", single.to_bits())
            }
        }
        DType::I32 => match number as i32 {
            i32::MIN => "bitcast<i32>(0x80000000u)".to_string(),
            number => format!("{number}i"),
        },
        DType::U32 => format!("{}u", number as u32),
        DType::Bool => format!("{}", number != 0.0),
        DType::F16 | DType::Bf16 => format!("0x{:04x}u", dtype.half_bits(number)),
        DType::F64 => return Err(source.f64()),
        DType::Float => return Err(source.malformed("a constant of an unbound type")),
    })
}

/// The kinds of number that instructions differ for.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    F32,
    I32,
    U32,
    Bool,
}

/// Writes an instruction applied to registers.
pub(super) fn apply(
    source: &mut Source,
    scalar: Scalar,
    result: DType,
    dtypes: &[DType],
    names: &[String],
) -> Result<String, EmitError> {
    if !scalar.fits(dtypes, result) {
        return Err(source.malformed(format!("{scalar} of {dtypes:?} as {result}")));
    }
    let of_halves = result.is_half() || dtypes.iter().any(|d| d.is_half());
    if of_halves && scalar != Scalar::SELECT {
        return convert(source, scalar, (dtypes[0], result), &names[0]);
    }
    // The type that decides; a select's first operand is its condition.
    let number = match dtypes.last() {
        Some(DType::F32) => Number::F32,
        Some(DType::I32) => Number::I32,
        // Halves are chosen as their bits are.
        Some(DType::U32 | DType::F16 | DType::Bf16) => Number::U32,
        Some(DType::Bool) => Number::Bool,
        Some(DType::F64) => return Err(source.f64()),
        Some(DType::Float) | None => {
            return Err(source.malformed(format!("{scalar} of no known type")));
        }
    };
    let name = |at: usize| names.get(at).map_or("", String::as_str);
    let (a, b) = (name(0), name(1));
    Ok(match scalar {
        Scalar::Unary(function) => format!("{}({a})", source.need(float_function(function))),
        Scalar::Number(function) => number_function(source, function, number, a)?,
        Scalar::Arithmetic(function) => arithmetic(source, function, number, a, b)?,
        Scalar::Compare(order) => comparison(source, order, number, a, b)?,
        Scalar::Logic(Logic::And) => format!("{a} && {b}"),
        Scalar::Logic(Logic::Or) => format!("{a} || {b}"),
        Scalar::Logic(Logic::Not) => format!("!{a}"),
        Scalar::Bits(function) => bits(function, number, a, b),
        Scalar::Select => format!("select({}, {b}, {a})", name(2)),
        Scalar::Cast => cast(source, number, result, a)?,
    })
}

/// A half as an f32, or an f32 as a half; nothing else is computed of halves.
fn convert(
    source: &mut Source,
    scalar: Scalar,
    (from, to): (DType, DType),
    a: &str,
) -> Result<String, EmitError> {
    let function = match (scalar, from, to) {
        (Scalar::Cast, DType::F16, DType::F32) => "f32_from_f16",
        (Scalar::Cast, DType::F32, DType::F16) => "f16_from_f32",
        (Scalar::Cast, DType::Bf16, DType::F32) => "f32_from_bf16",
        (Scalar::Cast, DType::F32, DType::Bf16) => "bf16_from_f32",
        (_, _, _) => return Err(source.malformed(format!("{scalar} of {from} as {to}"))),
    };
    Ok(format!("{}({a})", source.need(function)))
}

/// The function of the prelude that computes a float's.
fn float_function(function: UnaryFloat) -> &'static str {
    match function {
        UnaryFloat::Sqrt => "sqrt_f32",
        UnaryFloat::Exp => "exp_f32",
        UnaryFloat::Log => "log_f32",
        UnaryFloat::Expm1 => "expm1_f32",
        UnaryFloat::Log1p => "log1p_f32",
        UnaryFloat::Tanh => "tanh_f32",
        UnaryFloat::Erf => "erf_f32",
        UnaryFloat::Sin => "sin_f32",
        UnaryFloat::Cos => "cos_f32",
        UnaryFloat::Atan => "atan_f32",
        UnaryFloat::Floor => "floor_f32",
        UnaryFloat::Round => "round_f32",
    }
}

/// What [`Scalar::fits`] lets no instruction ask for.
fn of_bools(source: &Source, scalar: Scalar) -> EmitError {
    source.malformed(format!("{scalar} of bools"))
}

fn number_function(
    source: &mut Source,
    function: UnaryNumber,
    number: Number,
    a: &str,
) -> Result<String, EmitError> {
    Ok(match (function, number) {
        (UnaryNumber::Neg, Number::F32 | Number::I32) => format!("-{a}"),
        (UnaryNumber::Neg, Number::U32) => format!("0u - {a}"),
        (UnaryNumber::Abs, Number::F32 | Number::I32 | Number::U32) => format!("abs({a})"),
        (UnaryNumber::Sign, Number::F32) => format!("{}({a})", source.need("sign_f32")),
        (UnaryNumber::Sign, Number::I32) => format!("sign({a})"),
        (UnaryNumber::Sign, Number::U32) => format!("select(0u, 1u, {a} != 0u)"),
        (UnaryNumber::Neg | UnaryNumber::Abs | UnaryNumber::Sign, Number::Bool) => {
            return Err(of_bools(source, Scalar::Number(function)));
        }
    })
}

fn arithmetic(
    source: &mut Source,
    function: Arithmetic,
    number: Number,
    a: &str,
    b: &str,
) -> Result<String, EmitError> {
    if number == Number::Bool {
        return Err(of_bools(source, Scalar::Arithmetic(function)));
    }
    let float = number == Number::F32;
    Ok(match function {
        Arithmetic::Add => format!("{a} + {b}"),
        Arithmetic::Sub => format!("{a} - {b}"),
        Arithmetic::Mul => format!("{a} * {b}"),
        Arithmetic::Div => format!("{a} / {b}"),
        Arithmetic::Rem => {
            let function = match number {
                Number::F32 => "rem_f32",
                Number::I32 => "rem_i32",
                Number::U32 | Number::Bool => "rem_u32",
            };
            format!("{}({a}, {b})", source.need(function))
        }
        Arithmetic::Maximum if float => format!("{}({a}, {b})", source.need("maximum_f32")),
        Arithmetic::Maximum => format!("max({a}, {b})"),
        Arithmetic::Minimum if float => format!("{}({a}, {b})", source.need("minimum_f32")),
        Arithmetic::Minimum => format!("min({a}, {b})"),
    })
}

/// Of integers, as [`Scalar::fits`] has it. Counts of shifts are u32, and below 32 in every case.
fn bits(function: Bits, number: Number, a: &str, b: &str) -> String {
    let count = match number {
        Number::I32 => format!("(bitcast<u32>({b}) & 31u)"),
        Number::F32 | Number::U32 | Number::Bool => format!("({b} & 31u)"),
    };
    match function {
        Bits::And => format!("{a} & {b}"),
        Bits::Or => format!("{a} | {b}"),
        Bits::Xor => format!("{a} ^ {b}"),
        Bits::Shl => format!("{a} << {count}"),
        Bits::Shr => format!("{a} >> {count}"),
        Bits::Rotl => rotated(number, a, &count),
    }
}

/// Shifts of u32, which bring zeros in: by 32 places as by none, where both are the word itself.
fn rotated(number: Number, a: &str, count: &str) -> String {
    match number {
        Number::I32 => {
            let a = format!("bitcast<u32>({a})");
            format!("bitcast<i32>(({a} << {count}) | ({a} >> ((32u - {count}) & 31u)))")
        }
        Number::F32 | Number::U32 | Number::Bool => {
            format!("({a} << {count}) | ({a} >> ((32u - {count}) & 31u))")
        }
    }
}

fn comparison(
    source: &mut Source,
    order: Comparison,
    number: Number,
    a: &str,
    b: &str,
) -> Result<String, EmitError> {
    let sign = match (order, number) {
        (Comparison::Lt | Comparison::Le, Number::Bool) => {
            return Err(of_bools(source, Scalar::Compare(order)));
        }
        (Comparison::Lt, Number::F32) => {
            return Ok(format!("{}({a}, {b})", source.need("less_f32")));
        }
        (Comparison::Le, Number::F32) => {
            return Ok(format!("{}({a}, {b})", source.need("less_equal_f32")));
        }
        (Comparison::Eq, Number::F32) => {
            return Ok(format!("{}({a}, {b})", source.need("equal_f32")));
        }
        (Comparison::Ne, Number::F32) => {
            return Ok(format!("!{}({a}, {b})", source.need("equal_f32")));
        }
        (Comparison::Lt, Number::I32 | Number::U32) => "<",
        (Comparison::Le, Number::I32 | Number::U32) => "<=",
        (Comparison::Eq, Number::I32 | Number::U32 | Number::Bool) => "==",
        (Comparison::Ne, Number::I32 | Number::U32 | Number::Bool) => "!=",
    };
    Ok(format!("{a} {sign} {b}"))
}

fn cast(source: &mut Source, from: Number, result: DType, a: &str) -> Result<String, EmitError> {
    Ok(match (from, result) {
        (_, DType::F64) => return Err(source.f64()),
        (_, DType::Float) => return Err(source.malformed("a cast to an unbound type")),
        (_, DType::F16 | DType::Bf16) => {
            return Err(source.malformed(format!("a cast to {result}")));
        }
        (Number::F32, DType::F32)
        | (Number::I32, DType::I32)
        | (Number::U32, DType::U32)
        | (Number::Bool, DType::Bool) => a.to_string(),
        (Number::F32, DType::I32) => format!("{}({a})", source.need("to_i32")),
        (Number::F32, DType::U32) => format!("{}({a})", source.need("to_u32")),
        (Number::F32, DType::Bool) => format!("{}({a})", source.need("not_zero_f32")),
        (Number::I32 | Number::U32, DType::F32) => format!("f32({a})"),
        (Number::I32, DType::U32) => format!("bitcast<u32>({a})"),
        (Number::U32, DType::I32) => format!("bitcast<i32>({a})"),
        (Number::I32, DType::Bool) => format!("{a} != 0i"),
        (Number::U32, DType::Bool) => format!("{a} != 0u"),
        (Number::Bool, DType::F32) => format!("select(0.0f, 1.0f, {a})"),
        (Number::Bool, DType::I32) => format!("select(0i, 1i, {a})"),
        (Number::Bool, DType::U32) => format!("select(0u, 1u, {a})"),
    })
}
