//! The attributes of ops as structs: what entries declare, read and write.
//!
//! One struct a form of attributes; ops that have the same form share it. A struct gives the declaration
//! for the entry (`SPECS`), is read from an instruction's attributes (`from_attributes`), and becomes them (`into`).

use crate::attribute::{Attribute, AttributeKind, AttributeSpec, Attributes, ShapeSource};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::op::{OpError, View};
use crate::shape::{Axis, Shape};
use crate::symbol::Number;

/// What one attribute is read as.
trait Field<'a>: Sized {
    fn read(attribute: &'a Attribute) -> Option<Self>;
    fn write(self) -> Attribute;
}

impl<'a> Field<'a> for &'a [Axis] {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match attribute {
            Attribute::Axes(axes) => Some(axes),
            Attribute::Shape(_)
            | Attribute::Dims(_)
            | Attribute::DType(_)
            | Attribute::Number(_)
            | Attribute::Name(_) => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::Axes(self.to_vec())
    }
}

impl<'a> Field<'a> for Vec<Axis> {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        <&[Axis]>::read(attribute).map(<[Axis]>::to_vec)
    }

    fn write(self) -> Attribute {
        Attribute::Axes(self)
    }
}

/// The one axis of a list.
impl<'a> Field<'a> for Axis {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match <&[Axis]>::read(attribute)? {
            [axis] => Some(*axis),
            _ => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::Axes(vec![self])
    }
}

impl<'a> Field<'a> for &'a Shape {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match attribute {
            Attribute::Shape(shape) => Some(shape),
            Attribute::Axes(_)
            | Attribute::Dims(_)
            | Attribute::DType(_)
            | Attribute::Number(_)
            | Attribute::Name(_) => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::Shape(self.clone())
    }
}

impl<'a, const N: usize> Field<'a> for &'a [Dim; N] {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match attribute {
            Attribute::Dims(dims) => dims.as_slice().try_into().ok(),
            Attribute::Axes(_)
            | Attribute::Shape(_)
            | Attribute::DType(_)
            | Attribute::Number(_)
            | Attribute::Name(_) => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::Dims(self.to_vec())
    }
}

/// The one dim of a list.
impl<'a> Field<'a> for &'a Dim {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        <&[Dim; 1]>::read(attribute).map(|[dim]| dim)
    }

    fn write(self) -> Attribute {
        Attribute::Dims(vec![self.clone()])
    }
}

impl<'a> Field<'a> for DType {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match attribute {
            Attribute::DType(dtype) => Some(*dtype),
            Attribute::Axes(_)
            | Attribute::Shape(_)
            | Attribute::Dims(_)
            | Attribute::Number(_)
            | Attribute::Name(_) => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::DType(self)
    }
}

/// A number that may be a symbol's.
impl<'a> Field<'a> for &'a Number {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match attribute {
            Attribute::Number(number) => Some(number),
            Attribute::Axes(_)
            | Attribute::Shape(_)
            | Attribute::Dims(_)
            | Attribute::DType(_)
            | Attribute::Name(_) => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::Number(self.clone())
    }
}

/// A number that decides what is built, so it is no symbol's.
impl<'a> Field<'a> for f64 {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        <&Number>::read(attribute)?.known()
    }

    fn write(self) -> Attribute {
        Attribute::Number(Number::Known(self))
    }
}

impl<'a> Field<'a> for &'a str {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        match attribute {
            Attribute::Name(name) => Some(name),
            Attribute::Axes(_)
            | Attribute::Shape(_)
            | Attribute::Dims(_)
            | Attribute::DType(_)
            | Attribute::Number(_) => None,
        }
    }

    fn write(self) -> Attribute {
        Attribute::Name(self.into())
    }
}

/// A choice: 0 or 1.
impl<'a> Field<'a> for bool {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        let number = f64::read(attribute)?;
        (number == 0.0 || number == 1.0).then_some(number == 1.0)
    }

    fn write(self) -> Attribute {
        f64::from(u8::from(self)).write()
    }
}

/// The indices `start, start + step, ..` below `stop`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Range<'a> {
    /// The first.
    pub start: &'a Dim,
    /// Where they end, exclusive.
    pub stop: &'a Dim,
    /// The distance.
    pub step: &'a Dim,
}

impl<'a> Field<'a> for Range<'a> {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        let [start, stop, step] = <&[Dim; 3]>::read(attribute)?;
        Some(Range { start, stop, step })
    }

    fn write(self) -> Attribute {
        Attribute::Dims([self.start, self.stop, self.step].map(Dim::clone).to_vec())
    }
}

/// Zeros around and between elements: element `i` goes to `low + i * step`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Widths<'a> {
    /// Zeros in front.
    pub low: &'a Dim,
    /// Zeros behind.
    pub high: &'a Dim,
    /// The distance of neighbours; 1 puts nothing between.
    pub step: &'a Dim,
}

impl<'a> Field<'a> for Widths<'a> {
    fn read(attribute: &'a Attribute) -> Option<Self> {
        let [low, high, step] = <&[Dim; 3]>::read(attribute)?;
        Some(Widths { low, high, step })
    }

    fn write(self) -> Attribute {
        Attribute::Dims([self.low, self.high, self.step].map(Dim::clone).to_vec())
    }
}

macro_rules! forms {
    ($(
        $(#[$doc:meta])*
        $name:ident $(<$life:lifetime>)? {
            $($(#[$about:meta])* $field:ident: $ty:ty = $kind:expr,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $name $(<$life>)? {
            $($(#[$about])* pub $field: $ty,)*
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// The declaration for an entry.
            pub const SPECS: &'static [AttributeSpec] = &[
                $(AttributeSpec { name: stringify!($field), kind: $kind },)*
            ];

            /// Reads an instruction's attributes.
            ///
            /// # Errors
            /// Attributes of another form.
            pub fn from_attributes(attributes: &$($life)? Attributes) -> Result<Self, OpError> {
                let mut list = attributes.0.iter();
                $(
                    let $field = list.next().and_then(Field::read);
                    let $field = $field.ok_or(OpError::Attribute(stringify!($field)))?;
                )*
                Ok($name { $($field),* })
            }
        }

        impl $(<$life>)? From<$name $(<$life>)?> for Attributes {
            fn from(form: $name $(<$life>)?) -> Attributes {
                Attributes(vec![$(form.$field.write()),*])
            }
        }
    )*};
}

forms! {
    /// Of a constant.
    Constant<'a> {
        /// Every element.
        value: &'a Number = AttributeKind::Number,
        /// Their type.
        dtype: DType = AttributeKind::DType,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of indices along an axis.
    Iota<'a> {
        /// Their type.
        dtype: DType = AttributeKind::DType,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Result),
    }

    /// Of the value of a dim.
    Extent<'a> {
        /// The dim.
        dims: &'a Dim = AttributeKind::Dims,
        /// The elements' type.
        dtype: DType = AttributeKind::DType,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of a cast.
    Cast {
        /// The result's element type.
        dtype: DType = AttributeKind::DType,
    }

    /// Of a broadcast.
    Broadcast<'a> {
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
        /// The axes that the operand lacks; the others are its own, in order.
        new: &'a [Axis] = AttributeKind::Axes(ShapeSource::Result),
    }

    /// Of a reshape.
    Reshape<'a> {
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of a permutation.
    Permute<'a> {
        /// The operand's axes in the result's order.
        axes: &'a [Axis] = AttributeKind::Axes(ShapeSource::Operand(0)),
    }

    /// Of a slice.
    Slice<'a> {
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// The indices along it.
        range: Range<'a> = AttributeKind::Dims,
    }

    /// Of a pad.
    Pad<'a> {
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// The zeros along it.
        widths: Widths<'a> = AttributeKind::Dims,
    }

    /// Of a shear: element `i` along the axis is the operand's at `offset + i + slope * r`.
    Shear<'a> {
        /// The axis along which elements move.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// The axis whose index `r` says how far.
        by: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// Where element 0 of row 0 lies.
        offset: &'a Dim = AttributeKind::Dims,
        /// How much further each row lies.
        slope: &'a Dim = AttributeKind::Dims,
        /// The axis's extent in the result.
        extent: &'a Dim = AttributeKind::Dims,
    }

    /// Of sliding windows.
    Windows<'a> {
        /// The axis along which they slide.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// Elements of a window.
        size: &'a Dim = AttributeKind::Dims,
        /// From a window to the next.
        step: &'a Dim = AttributeKind::Dims,
        /// From an element of a window to the next.
        dilation: &'a Dim = AttributeKind::Dims,
    }

    /// Of what works over axes.
    Over<'a> {
        /// The axes.
        axes: &'a [Axis] = AttributeKind::Axes(ShapeSource::Operand(0)),
    }

    /// Of what works along one axis of the first operand.
    Along {
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
    }

    /// Of what runs along an axis.
    Running {
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// Whether it runs from the last element to the first.
        reverse: bool = AttributeKind::Number,
    }

    /// Of an order of the elements along an axis.
    Sorted {
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// Whether the greatest comes first.
        descending: bool = AttributeKind::Number,
    }

    /// Of what works along one axis of the result.
    AlongResult {
        /// The axis.
        axis: Axis = AttributeKind::Axes(ShapeSource::Result),
    }

    /// Of a word of the run's key.
    RunKey<'a> {
        /// Which place in the function it is for, and in which calls: as the linker numbers them.
        site: &'a Dim = AttributeKind::Dims,
        /// Which word: 0 or 1.
        word: &'a Dim = AttributeKind::Dims,
    }

    /// Of random words.
    Bits<'a> {
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
        /// Which word of each element: 0 or 1.
        word: &'a Dim = AttributeKind::Dims,
    }

    /// Of random floats of an interval.
    Interval<'a> {
        /// Where it starts.
        low: &'a Number = AttributeKind::Number,
        /// Where it ends, exclusive.
        high: &'a Number = AttributeKind::Number,
        /// The result's element type.
        dtype: DType = AttributeKind::DType,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of random integers of an interval.
    Draw<'a> {
        /// The least.
        low: &'a Number = AttributeKind::Number,
        /// One more than the greatest.
        high: &'a Number = AttributeKind::Number,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of normal numbers.
    Normal<'a> {
        /// The result's element type.
        dtype: DType = AttributeKind::DType,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of random bools.
    Bernoulli<'a> {
        /// The probability of true.
        p: &'a Number = AttributeKind::Number,
        /// The result's shape.
        shape: &'a Shape = AttributeKind::Shape,
    }

    /// Of elements that are left out.
    Dropout<'a> {
        /// The probability of each to be left out.
        p: &'a Number = AttributeKind::Number,
    }

    /// Of a place that a run may look at, or replace.
    Named<'a> {
        /// What the place is called.
        name: &'a str = AttributeKind::Name,
    }

    /// Of a cross entropy.
    CrossEntropy<'a> {
        /// The axis of the classes.
        axis: Axis = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// The label whose loss is 0.
        ignore_index: f64 = AttributeKind::Number,
        /// The share of the target that all classes have together.
        label_smoothing: &'a Number = AttributeKind::Number,
    }

    /// The axes of a contraction; the result has the batch, then what is free of x, then of y.
    #[derive(Eq, Default)]
    DotAxes {
        /// Axes of x that go with those of `batch_y`, and stay.
        batch_x: Vec<Axis> = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// Their partners in y.
        batch_y: Vec<Axis> = AttributeKind::Axes(ShapeSource::Operand(1)),
        /// Axes of x that are summed over with those of `contract_y`.
        contract_x: Vec<Axis> = AttributeKind::Axes(ShapeSource::Operand(0)),
        /// Their partners in y.
        contract_y: Vec<Axis> = AttributeKind::Axes(ShapeSource::Operand(1)),
    }
}

/// The attributes of an index map.
pub(crate) trait OfView<'a>: Sized {
    /// The index map.
    const VIEW: View;

    /// Reads them.
    fn read(attributes: &'a Attributes) -> Option<Self>;
}

macro_rules! of_views {
    ($($name:ident)*) => {$(
        impl<'a> OfView<'a> for $name<'a> {
            const VIEW: View = View::$name;

            fn read(attributes: &'a Attributes) -> Option<Self> {
                $name::from_attributes(attributes).ok()
            }
        }
    )*};
}

of_views! { Broadcast Reshape Permute Slice Pad Shear }
