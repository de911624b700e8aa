//! What rust-analyzer is given to type bodies with: functions that are never called. rustc sees none of it.

use crate::{Param, Result};
use ndarray::{ArrayBase, DataOwned};
use sinew_runtime::{ArgView, Host};
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// A tensor.
#[derive(Clone, Copy)]
pub struct Tensor;

/// What stands for something in a body.
pub trait Value {
    /// Its type there.
    type In;
}

/// `value` as a body has it.
pub fn value<T: Value>(_value: &T) -> T::In {
    loop {}
}

/// What has operations.
pub fn tensor<T>(_tensor: &T) -> Tensor {
    loop {}
}

/// What an operation of functions gives.
pub fn anything<F, A, R>(_operation: F, _arguments: A) -> R {
    loop {}
}

/// What a model function gives, as a body has it.
pub fn given<T: Value>(_given: T) -> T::In {
    loop {}
}

/// What an operation gives.
pub fn operation<F, A>(_operation: F, _arguments: A) -> Tensor {
    loop {}
}

/// A comparison, and what is made of some.
pub fn truth<T>(_of: &T) -> Tensor {
    loop {}
}

/// A condition.
pub fn holds<T>(_condition: &T) -> bool {
    loop {}
}

/// A part by its index.
pub fn part<T: Parts, I>(_whole: &T, _index: I) -> T::Part {
    loop {}
}

/// What has parts.
pub trait Parts {
    /// One of them.
    type Part;
}

impl Parts for Tensor {
    type Part = Tensor;
}

impl Parts for Param {
    type Part = Tensor;
}

impl<T> Parts for Vec<T> {
    type Part = T;
}

impl<T, const N: usize> Parts for [T; N] {
    type Part = T;
}

impl Value for Tensor {
    type In = Tensor;
}

impl Value for Param {
    type In = Tensor;
}

impl<T: Value> Value for Result<T> {
    type In = T::In;
}

impl<A, S: DataOwned<Elem = A>, D> Value for ArrayBase<S, D, A> {
    type In = Tensor;
}

impl<T> Value for Vec<T> {
    type In = Vec<T>;
}

impl<T: Value> Value for &T {
    type In = T::In;
}

impl IntoIterator for Tensor {
    type Item = Tensor;
    type IntoIter = std::vec::IntoIter<Tensor>;
    fn into_iter(self) -> Self::IntoIter {
        loop {}
    }
}

impl IntoIterator for &Tensor {
    type Item = Tensor;
    type IntoIter = std::vec::IntoIter<Tensor>;
    fn into_iter(self) -> Self::IntoIter {
        loop {}
    }
}

impl Tensor {
    /// The slices along the first axis.
    pub fn iter(&self) -> std::vec::IntoIter<Tensor> {
        loop {}
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    fn neg(self) -> Tensor {
        loop {}
    }
}

macro_rules! values {
    ($($ty:ty => $in:ty),*) => {$(
        impl Value for $ty {
            type In = $in;
        }
    )*};
}
values!(f64 => Tensor, f32 => Tensor, bool => bool, usize => usize, i32 => i32, u32 => Tensor);

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Value),*> Value for ($($name,)*) {
            type In = ($($name::In,)*);
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

macro_rules! arithmetic {
    ($($trait:ident $method:ident)*) => {$(
        impl<Other> $trait<Other> for Tensor {
            type Output = Tensor;
            fn $method(self, _: Other) -> Tensor {
                loop {}
            }
        }
        arithmetic!(@numbers $trait $method f32 f64 i32 usize);
    )*};
    (@numbers $trait:ident $method:ident $($number:ty)*) => {$(
        impl $trait<Tensor> for $number {
            type Output = Tensor;
            fn $method(self, _: Tensor) -> Tensor {
                loop {}
            }
        }
    )*};
}
arithmetic!(Add add Sub sub Mul mul Div div Rem rem);

impl<E, R> Host<E, R> for Tensor {
    fn arg_view(&self) -> ArgView<'_> {
        loop {}
    }
}
