//! Metrics against scikit-learn's values (`data/files.py`), as a whole and added up from batches.

use ndarray::{Array1, Array2, Axis, array, s};
use serde_json::Value;
use sinew_data::metrics::{
    Accuracy, ConfusionMatrix, Mean, MeanAbsoluteError, Metric, Perplexity, R2, RocAuc,
};

struct Values(Value);

impl Values {
    fn new() -> Values {
        Values(serde_json::from_str(include_str!("data/metrics.json")).expect("as written"))
    }

    fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().expect("as written")
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        let values = self.0[key].as_array().expect("as written").iter();
        values
            .map(|value| value.as_f64().expect("as written"))
            .collect()
    }

    fn labels(&self, key: &str) -> Array1<i64> {
        Array1::from(self.numbers(key)).mapv(|value| value as i64)
    }

    fn table(&self, key: &str) -> Array2<f64> {
        let rows = self.0[key].as_array().expect("as written").iter();
        let rows: Vec<Vec<f64>> = rows
            .map(|row| {
                row.as_array()
                    .expect("as written")
                    .iter()
                    .map(|v| v.as_f64().expect("as written"))
                    .collect()
            })
            .collect();
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
    }
}

/// Of sums of the same numbers in another order.
fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a value");
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        "{found} for {expected}"
    );
}

/// The rows of each of three batches.
const BATCHES: [std::ops::Range<usize>; 3] = [0..17, 17..18, 18..60];

#[test]
fn accuracy_is_scikit_learns() {
    let values = Values::new();
    let (scores, labels) = (values.table("scores"), values.labels("labels"));
    for (k, expected) in (1..).zip(values.numbers("top")) {
        let mut whole = Accuracy::top(k);
        whole.add(&scores, &labels).expect("they fit");
        near(whole.value(), expected);
        let mut parts = Accuracy::top(k);
        for rows in BATCHES {
            let mut part = Accuracy::top(k);
            part.add(scores.slice(s![rows.clone(), ..]), labels.slice(s![rows]))
                .expect("they fit");
            parts.merge(&part).expect("of one k");
        }
        assert_eq!(parts, whole);
    }
    let mut of_labels = Accuracy::new();
    of_labels
        .add_labels(&values.labels("answers"), &labels)
        .expect("they fit");
    near(of_labels.value(), values.number("accuracy"));
    assert_eq!(of_labels.rows(), 60);
}

#[test]
fn equal_scores_stand_in_the_order_of_their_classes() {
    let scores = array![[1.0f32, 1.0, 1.0]];
    for (label, ks) in [
        (0, [true, true, true]),
        (1, [false, true, true]),
        (2, [false, false, true]),
    ] {
        for (k, right) in (1..).zip(ks) {
            let mut accuracy = Accuracy::top(k);
            accuracy.add(&scores, &[label]).expect("they fit");
            assert_eq!(accuracy.right(), u64::from(right), "class {label} of {k}");
        }
    }
}

#[test]
fn the_confusion_matrix_is_scikit_learns() {
    let values = Values::new();
    let (scores, labels) = (values.table("scores"), values.labels("labels"));
    let mut matrix = ConfusionMatrix::new(5).expect("a small one");
    for rows in BATCHES {
        let mut part = ConfusionMatrix::new(5).expect("a small one");
        part.add_batch(&scores.slice(s![rows.clone(), ..]), &labels.slice(s![rows]))
            .expect("they fit");
        matrix.merge(&part).expect("of one size");
    }
    assert_eq!(
        matrix.counts().mapv(|n| n as f64),
        values.table("confusion")
    );
    let mut of_labels = ConfusionMatrix::new(5).expect("a small one");
    of_labels
        .add_labels(&values.labels("answers"), &labels)
        .expect("they fit");
    assert_eq!(of_labels, matrix);
    for class in 0..5 {
        // scikit-learn has 0 where there is none.
        let same = |found: Option<f64>, key: &str| {
            near(Some(found.unwrap_or(0.0)), values.numbers(key)[class])
        };
        same(matrix.precision(class), "precision");
        same(matrix.recall(class), "recall");
        same(matrix.f1(class), "f1");
    }
    assert_eq!(matrix.recall(4), None);
    near(matrix.macro_precision(), values.number("macro_precision"));
    near(matrix.macro_recall(), values.number("macro_recall"));
    near(matrix.macro_f1(), values.number("macro_f1"));
    near(matrix.accuracy(), values.number("micro_f1"));
    assert_eq!((matrix.precision(5), matrix.f1(usize::MAX)), (None, None));
}

#[test]
fn tables_are_as_wide_as_their_numbers() {
    let mut matrix = ConfusionMatrix::new(11).expect("a small one");
    matrix.add_labels(&[10; 120], &[10; 120]).expect("they fit");
    matrix.add_labels(&[0], &[9]).expect("they fit");
    let text = matrix.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "     0   1   2   3   4   5   6   7   8   9  10");
    assert_eq!(lines[10], " 9   1   .   .   .   .   .   .   .   .   .   .");
    assert_eq!(lines[11], "10   .   .   .   .   .   .   .   .   .   . 120");
}

#[test]
fn the_area_under_the_roc_is_scikit_learns_with_equal_scores() {
    let values = Values::new();
    let (ranks, labels) = (
        Array1::from(values.numbers("ranks")),
        values.labels("binary"),
    );
    let mut auc = RocAuc::new();
    for rows in BATCHES {
        let mut part = RocAuc::new();
        part.add_batch(&ranks.slice(s![rows.clone()]), &labels.slice(s![rows]))
            .expect("they fit");
        auc.merge(&part);
    }
    near(auc.value(), values.number("auc"));
    // All equal, of which -0 is one: chance.
    let mut equal = RocAuc::new();
    equal
        .add(&[0.0f32, -0.0, 0.0], &[true, false, false])
        .expect("they fit");
    assert_eq!(equal.value(), Some(0.5));
    let mut extreme = RocAuc::new();
    extreme
        .add(&[f64::INFINITY, f64::NEG_INFINITY], &[1u8, 0])
        .expect("they fit");
    assert_eq!(extreme.value(), Some(1.0));
}

#[test]
fn perplexity_is_e_to_scikit_learns_log_loss() {
    let values = Values::new();
    let (chances, labels) = (values.table("chances"), values.labels("labels"));
    let mut perplexity = Perplexity::new();
    for rows in BATCHES {
        let mut part = Perplexity::new();
        let likelihoods = chances.slice(s![rows.clone(), ..]);
        let losses = likelihoods
            .rows()
            .into_iter()
            .zip(&labels.slice(s![rows.clone()]))
            .map(|(row, label)| -row[*label as usize].ln())
            .sum::<f64>();
        part.add(losses / rows.len() as f64, rows.len())
            .expect("finite");
        perplexity.merge(&part);
    }
    near(perplexity.value(), values.number("log_loss").exp());
}

/// Targets near a million that differ by two: sums of squares would leave nothing of that in f32, and little in f64.
#[test]
fn metrics_of_numbers_are_scikit_learns() {
    let values = Values::new();
    let (outputs, targets) = (values.table("outputs"), values.table("targets"));
    let (mut error, mut r2) = (MeanAbsoluteError::new(), R2::new());
    for (outputs, targets) in outputs
        .axis_chunks_iter(Axis(0), 7)
        .zip(targets.axis_chunks_iter(Axis(0), 7))
    {
        let mut part = (MeanAbsoluteError::new(), R2::new());
        part.add_batch(&outputs, &targets).expect("they fit");
        error.merge(&part.0);
        r2.merge(&part.1);
    }
    let near = |found: Option<f64>, expected: f64| {
        let found = found.expect("a value");
        // The numbers themselves are known to 1e-10.
        assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    };
    near(error.value(), values.number("mae"));
    near(r2.value(), values.number("r2"));
}

#[test]
fn nothing_has_no_value() {
    assert_eq!(Accuracy::new().value(), None);
    assert_eq!(Mean::new().value(), None);
    assert_eq!(Perplexity::new().value(), None);
    assert_eq!(MeanAbsoluteError::new().value(), None);
    assert_eq!((R2::new().value(), RocAuc::new().value()), (None, None));
    let matrix = ConfusionMatrix::new(2).expect("a small one");
    assert_eq!(
        (matrix.accuracy(), matrix.macro_f1(), matrix.f1(0)),
        (None, None, None)
    );
    // One class, or targets that are all the same, say nothing either.
    let mut auc = RocAuc::new();
    auc.add(&[0.5, 0.7], &[1, 1]).expect("they fit");
    assert_eq!(auc.value(), None);
    let mut r2 = R2::new();
    r2.add(&array![1.0, 2.0], &array![3.0, 3.0])
        .expect("they fit");
    assert_eq!(r2.value(), None);
    let mut mean = Mean::new();
    mean.add(5.0, 0).expect("a weight");
    assert_eq!(mean.value(), None);
    mean.merge(&Mean::new());
    assert_eq!(mean.value(), None);
    // An empty batch adds nothing.
    let mut accuracy = Accuracy::new();
    accuracy
        .add(&Array2::<f32>::zeros((0, 3)), &Array1::<i32>::zeros(0))
        .expect("it fits");
    assert_eq!(accuracy.value(), None);
}

#[test]
fn means_are_weighted() {
    let mut mean = Mean::new();
    for (value, weight) in [(2.0, 3usize), (5.0, 1), (-1.0, 0)] {
        mean.add(value, weight).expect("finite");
    }
    // (2 * 3 + 5) / 4
    assert_eq!((mean.value(), mean.weight()), (Some(2.75), 4.0));
    let mut other = Mean::new();
    other.add(4.75, 4.0f64).expect("finite");
    mean.merge(&other);
    assert_eq!(mean.value(), Some(3.75));
}

/// What does not fit is told, and leaves what was added before.
#[test]
fn what_a_metric_cannot_use_is_an_error() {
    let mut accuracy = Accuracy::new();
    let scores = array![[0.1, 0.9], [0.8, 0.2]];
    accuracy.add(&scores, &[1, 1]).expect("they fit");
    let before = accuracy;
    let said = |result: sinew_data::Result<()>| result.expect_err("it does not fit").to_string();
    assert_eq!(
        said(accuracy.add(&scores, &[0])),
        "accuracy: 2 rows of outputs and 1 labels came, and there must be as many"
    );
    assert_eq!(
        said(accuracy.add(&scores, &[0, 2])),
        "accuracy: the label of row 1 is 2, and there are 2 classes, from 0"
    );
    assert_eq!(
        said(accuracy.add(&scores, &[-1, 0])),
        "accuracy: the label of row 0 is -1, and there are 2 classes, from 0"
    );
    assert_eq!(
        said(accuracy.add(&array![[0.0, f64::NAN]], &[0])),
        "accuracy: row 0 holds NaN"
    );
    assert_eq!(
        said(accuracy.add(&array![[0.0, f64::NAN]], &[1])),
        "accuracy: row 0 holds NaN"
    );
    assert!(accuracy.merge(&Accuracy::top(2)).is_err());
    assert_eq!(accuracy, before);

    let mut matrix = ConfusionMatrix::new(2).expect("a small one");
    assert!(
        said(matrix.add(&array![[0.0, 0.1, 0.2]], &[0]))
            .contains("scores of 3 classes came, and it has 2")
    );
    assert!(
        matrix.add_labels(&[0, 1], &[0, 7]).is_err()
            && matrix.add_labels(&[0, 9], &[0, 1]).is_err()
    );
    assert_eq!(matrix.rows(), 0);
    assert!(
        matrix
            .merge(&ConfusionMatrix::new(3).expect("a small one"))
            .is_err()
    );
    assert!(ConfusionMatrix::new(0).is_err() && ConfusionMatrix::new(usize::MAX).is_err());

    let mut auc = RocAuc::new();
    assert!(auc.add(&[0.5, f64::NAN], &[0, 1]).is_err() && auc.add(&[0.5], &[2]).is_err());
    assert_eq!(auc, RocAuc::new());
    let mut error = MeanAbsoluteError::new();
    let shapes = error.add(&array![1.0, 2.0], &array![1.0]);
    assert_eq!(
        said(shapes),
        "mean absolute error: outputs of shape [2] and targets of shape [1] came, and must be alike"
    );
    assert!(
        error
            .add(&array![1.0, f64::INFINITY], &array![1.0, 1.0])
            .is_err()
    );
    assert_eq!(error, MeanAbsoluteError::new());
    let mut mean = Mean::new();
    for (value, weight) in [
        (f64::NAN, 1.0),
        (f64::INFINITY, 1.0),
        (1.0, -1.0),
        (1.0, f64::NAN),
        (1.0, f64::INFINITY),
    ] {
        assert!(mean.add(value, weight).is_err(), "{value} {weight}");
    }
    assert_eq!(mean.value(), None);
}
