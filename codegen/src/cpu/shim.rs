//! Functions of this crate that compiled code calls, by the names they have in its text.

use cranelift_codegen::ir::{AbiParam, Signature, Type, types};
use cranelift_codegen::isa::CallConv;

use sinew_ir::remainder;
use sinew_ir::scalar::{Meaning, UnaryFloat};

use super::clock::tell_clock;
use super::product::product;
use super::sort::sort_row;
use super::team::next_share;

/// One function a line: `Variant: "name" = function(parameters) -> result`.
macro_rules! shims {
    ($($shim:ident: $name:literal = $function:expr, ($($param:ident),*) $(-> $result:ident)?;)*) => {
        /// A function that compiled code can call.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub(super) enum Shim {
            $(#[doc = concat!("`", $name, "`")] $shim),*
        }

        impl Shim {
            /// Every one.
            pub(super) const ALL: &'static [Shim] = &[$(Shim::$shim),*];

            /// Its name in the text of compiled functions.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Shim::$shim => $name),*
                }
            }

            /// Where it is.
            pub(super) fn address(self) -> *const u8 {
                match self {
                    $(Shim::$shim => $function as *const () as *const u8),*
                }
            }

            fn types(self) -> (&'static [Type], Option<Type>) {
                match self {
                    $(Shim::$shim => (&[$(types::$param),*], None $(.or(Some(types::$result)))?)),*
                }
            }
        }
    };
}

shims! {
    RemF32: "rem_f32" = rem_f32, (F32, F32) -> F32;
    RemF64: "rem_f64" = rem_f64, (F64, F64) -> F64;
    Function: "function" = function, (F64, I32) -> F64;
    ProductF32: "product_f32" = product::<f32>, (I64, I64);
    ProductF64: "product_f64" = product::<f64>, (I64, I64);
    TellClock: "tell_clock" = tell_clock, (I64, I64);
    NextShare: "next_share" = next_share, (I64, I64) -> I64;
    SortF32: "sort_f32" = sort_row::<f32>, (I64, I64, I64, I64, I64, I64, I64);
    SortF64: "sort_f64" = sort_row::<f64>, (I64, I64, I64, I64, I64, I64, I64);
    SortI32: "sort_i32" = sort_row::<i32>, (I64, I64, I64, I64, I64, I64, I64);
    SortU32: "sort_u32" = sort_row::<u32>, (I64, I64, I64, I64, I64, I64, I64);
}

impl Shim {
    /// Its type.
    pub(super) fn signature(self, call_conv: CallConv) -> Signature {
        let (params, result) = self.types();
        let mut signature = Signature::new(call_conv);
        let params = params.iter().map(|ty| AbiParam::new(*ty));
        signature.params.extend(params);
        signature.returns.extend(result.map(AbiParam::new));
        signature
    }
}

/// NumPy's `%`: the remainder with the sign of the divisor.
extern "C" fn rem_f32(x: f32, y: f32) -> f32 {
    let rest = x % y;
    if rest == 0.0 {
        return rest.copysign(y);
    }
    if (rest < 0.0) != (y < 0.0) {
        rest + y
    } else {
        rest
    }
}

/// [`rem_f32`] in f64.
extern "C" fn rem_f64(x: f64, y: f64) -> f64 {
    remainder(x, y)
}

/// The reference of a function, which is given by its place in its class.
extern "C" fn function(x: f64, place: u32) -> f64 {
    let found = UnaryFloat::ALL.get(place as usize);
    match found.map(|f| f.def().meaning) {
        Some(Meaning::One { float, .. }) => float(x),
        // Compiled code passes places of the class only.
        Some(_) | None => f64::NAN,
    }
}
