//! Structs are values: a layer in a variable, in a tuple, handed on to functions, two models in one
//! function, a child's child. Each is what the same written out is.

use ndarray::{Array2, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    pub struct Scale<N> {
        #[init(ones)]
        pub by: Param<N>,
        pub offset: State<N>,
    }

    impl<N> Scale<N> {
        pub fn forward<B>(&self, x: Tensor<B, N>) -> Tensor<B, N> {
            x * self.by + self.offset
        }

        /// Through another method of its own.
        pub fn twice<B>(&self, x: Tensor<B, N>) -> Tensor<B, N> {
            self.forward(self.forward(x))
        }
    }

    /// Two of another struct, and a leaf between them.
    pub struct Pair<N> {
        pub first: Scale<N>,
        #[init(ones)]
        pub between: Param<N>,
        pub second: Scale<N>,
    }

    impl<N> Pair<N> {
        pub fn forward<B>(&self, x: Tensor<B, N>) -> Tensor<B, N> {
            self.second.forward(self.first.forward(x) * self.between)
        }
    }

    pub struct Net {
        pub left: Pair<2>,
        pub middle: Scale<2>,
        pub right: Pair<2>,
    }

    pub fn written_out<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let x = x * m.left.first.by + m.left.first.offset;
        let x = x * m.left.between;
        let x = x * m.left.second.by + m.left.second.offset;
        let x = x * m.middle.by + m.middle.offset;
        let x = x * m.right.first.by + m.right.first.offset;
        let x = x * m.right.between;
        x * m.right.second.by + m.right.second.offset
    }

    pub fn by_children<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        m.right.forward(m.middle.forward(m.left.forward(x)))
    }

    pub fn in_variables<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let left = &m.left;
        let (first, second) = (left.first, &left.second);
        let x = second.forward(first.forward(x) * left.between);
        let right = {
            let all = m;
            all.right
        };
        let last = (m.middle, right);
        last.1.forward(last.0.forward(x))
    }

    /// Two models of different types.
    pub fn scaled<N, B>(p: &Pair<N>, x: Tensor<B, N>, s: &Scale<N>) -> Tensor<B, N> {
        s.forward(Pair::forward(p, x))
    }

    /// Two models of one type.
    pub fn both<N, B>(a: &Pair<N>, b: &Pair<N>, x: Tensor<B, N>) -> Tensor<B, N> {
        let (a, b) = (b, a);
        a.forward(b.forward(x))
    }

    /// A child's child among two models.
    pub fn children<N, B>(s: &Scale<N>, p: &Pair<N>, x: Tensor<B, N>) -> Tensor<B, N> {
        p.second.forward(p.first.forward(s.forward(x)) * p.between)
    }

    pub fn by_two_models<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        children(m.middle, m.right, m.left.forward(x))
    }

    pub fn by_two_types<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        m.right.forward(scaled(m.left, x, m.middle))
    }

    /// The states of `m.middle` go through three calls.
    pub fn twice<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let once = m.middle.twice(both(m.left, m.right, x));
        m.middle.forward(once)
    }

    pub fn twice_written_out<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let x = m.left.forward(x);
        let x = m.right.forward(x);
        let x = x * m.middle.by + m.middle.offset;
        let x = x * m.middle.by + m.middle.offset;
        x * m.middle.by + m.middle.offset
    }

    pub fn loss<B>(m: &Net, x: Tensor<B, 2>) -> Tensor {
        (in_variables(m, x) * twice(m, x)).sum()
    }

    pub fn plain_loss<B>(m: &Net, x: Tensor<B, 2>) -> Tensor {
        (written_out(m, x) * twice_written_out(m, x)).sum()
    }
}
use net::{Net, loss, plain_loss};

/// A net whose leaves all differ.
fn model() -> Net {
    let mut model = Net::init(3);
    let mut next = 0.0;
    model.visit_mut("", &mut |_, leaf| {
        let values: Vec<f32> = (0..2)
            .map(|_| {
                next += 0.1;
                0.5 + next
            })
            .collect();
        leaf.set(&values).expect("it has two elements");
    });
    model
}

fn x() -> Array2<f32> {
    array![[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]]
}

fn same(found: &Array2<f32>, expected: &Array2<f32>) {
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-5 * e.abs().max(1.0),
            "{found} {expected}"
        );
    }
}

#[test]
fn a_struct_is_the_same_wherever_it_comes_from() -> sinew::Result<()> {
    let (model, x) = (model(), x());
    let expected = net::written_out(&model, &x)?;
    same(&net::by_children(&model, &x)?, &expected);
    same(&net::in_variables(&model, &x)?, &expected);
    same(&net::by_two_models(&model, &x)?, &expected);
    same(&net::by_two_types(&model, &x)?, &expected);
    same(
        &net::twice(&model, &x)?,
        &net::twice_written_out(&model, &x)?,
    );
    Ok(())
}

#[test]
fn so_are_its_gradients() -> sinew::Result<()> {
    let (model, x) = (model(), x());
    let (found, expected) = (
        loss::gradient(&model, &x)?,
        plain_loss::gradient(&model, &x)?,
    );
    let mut leaves = Vec::new();
    found.visit("", &mut |path, leaf| {
        leaves.push((path.to_string(), leaf.values()))
    });
    let paths: Vec<&str> = leaves.iter().map(|(path, _)| path.as_str()).collect();
    let pair = |side: &str| {
        [
            "first.by",
            "first.offset",
            "between",
            "second.by",
            "second.offset",
        ]
        .map(|leaf| format!("{side}.{leaf}"))
        .to_vec()
    };
    let middle = vec!["middle.by".to_string(), "middle.offset".to_string()];
    assert_eq!(paths, [pair("left"), middle, pair("right")].concat());
    let mut at = 0;
    expected.visit("", &mut |path, leaf| {
        for (f, e) in leaves[at].1.iter().zip(&leaf.values()) {
            assert!((f - e).abs() <= 1e-4 * e.abs().max(1.0), "{path}: {f} {e}");
        }
        at += 1;
    });
    Ok(())
}

/// One parameter, one argument; states behind what is returned, and gone from the program.
#[test]
fn texts_show_structs() -> sinew::Result<()> {
    let expected = "\
fn @by_two_types<B>(%m: Net { \
left: Pair { first: Scale { by: param float[2], offset: state float[2] }, between: param float[2], \
second: Scale { by: param float[2], offset: state float[2] } }, \
middle: Scale { by: param float[2], offset: state float[2] }, \
right: Pair { first: Scale { by: param float[2], offset: state float[2] }, between: param float[2], \
second: Scale { by: param float[2], offset: state float[2] } } }, %x: float[B, 2]) -> float[B, 2] {
  %13, %14, %15, %16 = call @scaled<N = 2, B = B>(%m.left, %x, %m.middle) -> float[B, 2], float[2], float[2], float[2]
  %17, %18, %19 = call @Pair::forward<N = 2, B = B>(%m.right, %13) -> float[B, 2], float[2], float[2]
  return %17, state %m.left.first.offset: %14, state %m.left.second.offset: %15, \
state %m.middle.offset: %16, state %m.right.first.offset: %18, state %m.right.second.offset: %19
}
";
    assert_eq!(net::by_two_types::IR[..expected.len()], *expected);
    assert!(net::twice::IR.contains("(Scale {%m.middle.by, %"));
    let inlined = net::by_two_types::pullback()?;
    assert!(!inlined.contains("return %17, state"), "{inlined}");
    assert!(!inlined.contains("state %m.middle.offset:"), "{inlined}");
    let signature = "fn by_two_types<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2>\n";
    assert!(net::by_two_types::signature().starts_with(signature));
    Ok(())
}

/// Structs that are called like types of the prelude, before and behind what names them.
mod called_like_the_preludes {
    use sinew::prelude::*;

    #[model]
    pub fn apply<B>(m: &Model, x: Tensor<B, 2>) -> Tensor<B, 2> {
        m.forward(x)
    }

    #[model(methods)]
    pub struct Model {
        pub first: Linear<2, 2>,
        pub rest: [Linear<2, 2>; 2],
    }

    #[model]
    impl Model {
        pub fn forward<B>(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
            let mut y = Linear::forward(self.first, x);
            for layer in &self.rest {
                y = layer.forward(y);
            }
            y
        }
    }

    #[model(methods)]
    pub struct Linear<I, O> {
        #[init(constant(2.0))]
        pub weight: Param<O, I>,
    }

    #[model]
    impl<I, O> Linear<I, O> {
        pub fn forward<B>(&self, x: Tensor<B, I>) -> Tensor<B, O> {
            matmul(x, self.weight.transpose())
        }
    }
}

#[model]
fn applied_elsewhere<B>(m: &called_like_the_preludes::Model, x: Tensor<B, 2>) -> Tensor<B, 2> {
    called_like_the_preludes::apply(m, x)
}

#[test]
fn a_struct_called_like_one_of_the_prelude_is_the_users_own() {
    let model = called_like_the_preludes::Model::init(0);
    let found = called_like_the_preludes::apply(&model, [[1.0, 2.0]]).expect("a call");
    assert_eq!(found, array![[96.0, 96.0]]);
    let found = applied_elsewhere(&model, [[1.0, 2.0]]).expect("a call");
    assert_eq!(found, array![[96.0, 96.0]]);

    // In a block, beside the library's own outside of it.
    #[model]
    struct Linear {
        #[init(ones)]
        weight: Param<2>,
    }
    #[model]
    struct Holder {
        layer: Linear,
    }
    #[model]
    fn scaled<B>(m: &Holder, x: Tensor<B, 2>) -> Tensor<B, 2> {
        x * m.layer.weight
    }
    let found = scaled(&Holder::init(0), [[1.0, 2.0]]).expect("a call");
    assert_eq!(found, array![[1.0, 2.0]]);
}
