//! What emitted code calls: const assertions, and the sizes of models.

/// The greatest text of an assertion.
const LENGTH: usize = 4096;

/// A text put together in const evaluation.
struct Text {
    bytes: [u8; LENGTH],
    length: usize,
}

impl Text {
    const fn push(&mut self, byte: u8) {
        if self.length < LENGTH {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
    }

    const fn push_number(&mut self, value: i128) {
        let mut digits = [0u8; 40];
        let mut count = 0;
        let mut rest = value.unsigned_abs();
        loop {
            digits[count] = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            self.push(b'-');
        }
        while count > 0 {
            count -= 1;
            self.push(digits[count]);
        }
    }

    /// `message` with the values where it has the bytes 1 and 2.
    const fn compose(message: &str, left: i128, right: i128) -> Text {
        let mut out = Text {
            bytes: [0; LENGTH],
            length: 0,
        };
        let bytes = message.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            match bytes[i] {
                1 => out.push_number(left),
                2 => out.push_number(right),
                byte => out.push(byte),
            }
            i += 1;
        }
        out
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "two Rust consts do not relate as they must",
        }
    }
}

/// The sum of these, each step held in range.
pub const fn sum(terms: &[i128]) -> i128 {
    let (mut total, mut i) = (0i128, 0);
    while i < terms.len() {
        total = total.saturating_add(terms[i]);
        i += 1;
    }
    total
}

/// The product of these, each step held in range.
pub const fn product(factors: &[i128]) -> i128 {
    let (mut total, mut i) = (1i128, 0);
    while i < factors.len() {
        total = total.saturating_mul(factors[i]);
        i += 1;
    }
    total
}

/// The first of these divided by each other in turn, rounded down; -1, which is no extent, for a
/// division by zero.
pub const fn quotient(operands: &[i128]) -> i128 {
    let [first, divisors @ ..] = operands else {
        return -1;
    };
    let (mut total, mut i) = (*first, 0);
    while i < divisors.len() {
        total = match total.checked_div_euclid(divisors[i]) {
            Some(quotient) => quotient,
            None => -1,
        };
        i += 1;
    }
    total
}

/// Whether two texts are one: of what tells enums apart.
pub const fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut i = 0;
    while i < left.len() && i < right.len() && left[i] == right[i] {
        i += 1;
    }
    i == left.len() && i == right.len()
}

/// What tells the structs of a function's signature from all others, in the order in which it names them.
pub type StructIds = &'static [&'static str];

/// Fails to compile unless the struct at a position of a signature is `id`; of a function with errors nothing
/// is known.
#[track_caller]
pub const fn same_struct(ids: StructIds, position: usize, id: &str, message: &str) {
    if position < ids.len() && !is_same(ids[position], id) {
        panic!("{}", message);
    }
}

/// Fails to compile unless both are equal.
#[track_caller]
pub const fn equal(left: i128, right: i128, message: &str) {
    if left != right {
        panic!("{}", Text::compose(message, left, right).as_str());
    }
}

/// Fails to compile unless `left <= right`.
#[track_caller]
pub const fn at_most(left: i128, right: i128, message: &str) {
    if left > right {
        panic!("{}", Text::compose(message, left, right).as_str());
    }
}

/// Fails to compile unless `left < right`.
#[track_caller]
pub const fn below(left: i128, right: i128, message: &str) {
    if left >= right {
        panic!("{}", Text::compose(message, left, right).as_str());
    }
}

/// Structs with `#[model]`, which implements it.
pub trait ModelStruct {}

/// The same, as it is asked for: of this, rustc lists no other structs that are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no model struct",
    label = "not a struct with `#[model]`",
    note = "put `#[model]` on `{Self}`: its fields are then `Param<..>`, `State<..>` and other model structs"
)]
pub trait IsModelStruct {}

#[diagnostic::do_not_recommend]
impl<T: ModelStruct> IsModelStruct for T {}

/// Asks for [`ModelStruct`].
pub fn model_struct<T: IsModelStruct>() {}

/// Structs whose methods were given: `#[model] impl` implements it. Of two of them rustc shows the name.
pub trait MethodsInOneImpl {}

/// The same, as it is asked for: of this, rustc lists no other structs that are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is marked `#[model(methods)]`, and has no `#[model] impl {Self} {{ .. }}`",
    label = "without methods",
    note = "write the `impl`, or `#[model]` without `methods`"
)]
pub trait HasMethods {}

#[diagnostic::do_not_recommend]
impl<T: MethodsInOneImpl> HasMethods for T {}

/// Asks for [`MethodsInOneImpl`].
pub fn has_methods<T: HasMethods>() {}

/// A size as a model keeps it: the nearest that there is. A parameter that it is no extent for says so.
pub fn size(value: i128) -> usize {
    usize::try_from(value.max(0)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_the_text() {
        let text = Text::compose("`A` is \u{1}, `B` is \u{2}", -12, 0);
        assert_eq!(text.as_str(), "`A` is -12, `B` is 0");
    }
}
