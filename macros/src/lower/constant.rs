//! Rust consts as numbers: rustc has their values, and knows which are integers.

use super::Lowerer;
use super::value::{Number, Val};
use crate::errors::Checked;
use crate::messages;
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use sinew_ir::{self as ir, DType, Shape, Symbol, Value};

/// A Rust const, or the quotient of two.
#[derive(Clone)]
pub struct Constant {
    /// Its name in the function's text.
    pub name: String,
    /// As written, for messages.
    pub source: String,
    /// Where it stands.
    pub at: TokenStream,
    /// Its value, an expression of type f64.
    pub value: TokenStream,
    /// Whether it is an integer in Rust, an expression of type bool.
    integer: TokenStream,
    /// How many consts and numbers it is the quotient of.
    pub parts: usize,
}

impl Constant {
    /// The const at a path.
    pub fn from_path(path: &syn::Path) -> Constant {
        Constant {
            name: crate::signature::last(path),
            source: messages::source(path),
            at: path.to_token_stream(),
            value: crate::emit::placed(
                quote!((#path as ::core::primitive::f64)),
                crate::parse::start(path),
            ),
            // A half is 0 in the const's own type if that has no fractions.
            integer: quote!({
                let mut __sinew_half = #path;
                if true {
                    __sinew_half = 0.5f64 as _;
                }
                __sinew_half as ::core::primitive::f64 == 0.0
            }),
            parts: 1,
        }
    }

    /// The const itself, if it is no quotient.
    pub fn path(&self) -> Option<syn::Path> {
        syn::parse2(self.at.clone()).ok()
    }

    fn number(number: Number) -> Constant {
        let value = Literal::f64_suffixed(number.value.abs());
        let sign = (number.value < 0.0).then(|| quote!(-));
        let integer = number.integer;
        Constant {
            name: "number".to_string(),
            source: number.value.to_string(),
            at: TokenStream::new(),
            value: quote!((#sign #value)),
            integer: quote!(#integer),
            parts: 1,
        }
    }

    /// The quotient, rounded towards zero of two integers, as in Rust.
    fn over(&self, divisor: &Constant, at: TokenStream) -> Constant {
        let (a, b) = (&self.value, &divisor.value);
        let (c, d) = (&self.integer, &divisor.integer);
        let integer = quote!((#c && #d));
        Constant {
            name: format!("{}_over_{}", self.name, divisor.name),
            source: format!("{} / {}", self.source, divisor.source),
            at,
            // Each side stands there once, so that quotients of quotients do not double.
            value: quote!({
                let (__sinew_left, __sinew_right) = (#a, #b);
                if #integer {
                    (__sinew_left as ::core::primitive::i128 / __sinew_right as ::core::primitive::i128)
                        as ::core::primitive::f64
                } else {
                    __sinew_left / __sinew_right
                }
            }),
            integer,
            parts: self.parts + divisor.parts,
        }
    }
}

/// The quotient of two numbers of which one at least is a Rust const.
pub fn quotient(left: &Val, right: &Val, at: TokenStream) -> Option<Val> {
    let constant = |val: &Val| match val {
        Val::Const(c) => Some(c.as_ref().clone()),
        Val::Number(n) => Some(Constant::number(*n)),
        Val::Counted(_)
        | Val::Tensor(_)
        | Val::Size(_)
        | Val::Struct(_)
        | Val::Repeated(_)
        | Val::Tuple(_)
        | Val::Index(_)
        | Val::Flag(_)
        | Val::Setting(_)
        | Val::List(_)
        | Val::Broken => None,
    };
    Some(Val::Const(Box::new(
        constant(left)?.over(&constant(right)?, at),
    )))
}

impl Lowerer<'_, '_> {
    /// The symbol that a Rust const is in the function's text, as a number.
    pub fn const_symbol(&mut self, constant: &Constant) -> Symbol {
        let value = constant.value.clone();
        Symbol::new(&self.numbers.name_for(&constant.name, value))
    }

    /// The number that a Rust const is, of `dtype`.
    pub fn const_number(
        &mut self,
        constant: &Constant,
        dtype: DType,
        at: &TokenStream,
    ) -> Checked<ir::Number> {
        if dtype == DType::Bool {
            return Err(self.report(messages::const_type(at, dtype)));
        }
        let text = constant.value.to_string();
        if dtype.is_integer() && !self.whole.iter().any(|c| c.value.to_string() == text) {
            self.whole.push(constant.clone());
        }
        Ok(ir::Number::Symbol(self.const_symbol(constant)))
    }

    /// A number of the configuration that is no integer, of `dtype`.
    pub fn setting_number(
        &mut self,
        number: &ir::Number,
        dtype: DType,
        at: &TokenStream,
    ) -> Checked<ir::Number> {
        match dtype.is_float() {
            true => Ok(number.clone()),
            false => Err(self.report(messages::setting_type(at, dtype))),
        }
    }

    /// A scalar with the value of a Rust const.
    pub fn const_of(
        &mut self,
        constant: &Constant,
        dtype: DType,
        at: &TokenStream,
    ) -> Checked<Value> {
        let number = self.const_number(constant, dtype, at)?;
        self.number_of(&number, dtype, at)
    }

    /// A scalar with the value of a number of the configuration.
    pub fn setting(
        &mut self,
        number: &ir::Number,
        dtype: DType,
        at: &TokenStream,
    ) -> Checked<Value> {
        let number = self.setting_number(number, dtype, at)?;
        self.number_of(&number, dtype, at)
    }

    fn number_of(&mut self, number: &ir::Number, dtype: DType, at: &TokenStream) -> Checked<Value> {
        self.locate(crate::parse::start(at));
        let made = self.builder.constant(number, dtype, Shape::scalar());
        made.map_err(|error| self.refused(at, "const", &error, &[]))
    }
}
