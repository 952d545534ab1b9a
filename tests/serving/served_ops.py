"""Checks that TensorFlow Serving 2.12 and later have all ops of a version.

The lists were read from the wheels of tensorflow-cpu 2.12.1, tensorflow-text
2.12.1 and the two of 2.20: their C++ libraries were loaded and asked for the
ops that they register (`TF_GetAllOpList`), and the answers compared. TF
Serving links all ops of TF Text, in 2.12 to 2.19 those of TF Text 2.12.1.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import Message
from tensorflow.core.protobuf import saved_model_pb2

# All that TF Text 2.12.1 registers.
TEXT_OPS = frozenset(
    """
    CaseFoldUTF8 ConstrainedSequence FastBertNormalize
    FastWordpieceTokenizeWithOffsets FindSourceOffsets MaxSpanningTree
    NormalizeUTF8 NormalizeUTF8WithOffsetsMap PhraseTokenize
    RegexSplitWithOffsets SentenceFragments SentenceFragmentsV2
    SentencepieceDetokenizeOp SentencepieceIdToStringOp SentencepieceOp
    SentencepieceStringToIdOp SentencepieceTokenizeOp
    SentencepieceTokenizeWithOffsetsOp SentencepieceVocabSizeOp
    SplitMergeTokenizeWithOffsets TFText>BoiseTagsToOffsets
    TFText>ByteSplitByOffsets TFText>ByteSplitWithOffsets
    TFText>FastSentencepieceDetokenize TFText>FastSentencepieceTokenize
    TFText>FastWordpieceDetokenize TFText>NgramsStringJoin
    TFText>OffsetsToBoiseTags TFText>PhraseDetokenize
    TFText>WhitespaceTokenizeWithOffsetsV2 TokenizerFromLogits
    UnicodeScriptTokenizeWithOffsets WhitespaceTokenizeWithOffsets
    WordpieceTokenizeWithOffsets
    """.split()
)

# Public ops of TensorFlow 2.20 (those of `tf.raw_ops`) that 2.12.1 lacks; all
# that begin with `NEW_PREFIX` are new, too.
NEW_OPS = frozenset(
    """
    CheckPinned CollectiveAllToAllV2 Conv ConvertToCooTensor
    ConvertToListOfSparseCoreCooTensors ConvertToSparseCoreCsrWrappedCooTensor
    DatasetFingerprint DebugIdentityV3 DecodeWebP
    DynamicEnqueueTPUEmbeddingRaggedTensorBatch FFTND
    GetMinibatchSplitsWithPhysicalReplica
    GetMinibatchesInCsrWithPhysicalReplica
    GetStatsFromListOfSparseCoreCooTensors GlobalIterId GlobalShuffleDataset
    IFFTND IRFFTND IndexFlatMapDataset IteratorGetModelProto
    ListSnapshotChunksDataset RFFTND RaggedFillEmptyRows
    RaggedFillEmptyRowsGrad SegmentMaxV2 SegmentMinV2 SnapshotChunkDataset
    SortListOfSparseCoreCooTensors SparseSegmentMeanGradV2
    SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2
    StoreMinibatchStatisticsInFdo TFRecordDatasetV2
    TPUAnnotateTensorsWithDynamicShape TPUCopyWithDynamicShape TPUDummyInput
    WeightedFlatMapDataset
    """.split()
)
NEW_PREFIX = "XlaSparse"

# Attributes, with defaults, that 2.12.1 lacks on ops that it has. It ignores
# them, so only the defaults are allowed. Left out: `debug_name` of variables,
# which has no effect, and attributes of ops for training, TPUs and `tf.data`.
_FALSE = tf.compat.v1.AttrValue(b=False)
_INT32 = tf.compat.v1.AttrValue(type=tf.int32.as_datatype_enum)
_INDICES = {"bad_indices_policy": tf.compat.v1.AttrValue(s=b"")}
NEW_ATTRIBUTES = {
    "BatchMatMul": {"grad_x": _FALSE, "grad_y": _FALSE},
    "BatchMatMulV2": {"grad_x": _FALSE, "grad_y": _FALSE},
    "BatchMatMulV3": {"grad_x": _FALSE, "grad_y": _FALSE},
    "ConcatOffset": {"shape_type": _INT32},
    "GatherNd": _INDICES,
    "MatMul": {"grad_a": _FALSE, "grad_b": _FALSE},
    "ScatterNd": _INDICES,
    "SparseSegmentMean": {"sparse_gradient": _FALSE},
    "SparseSegmentSqrtN": {"sparse_gradient": _FALSE},
    "SparseSegmentSum": {"sparse_gradient": _FALSE},
    "TensorListSetItem": {"resize_if_index_out_of_bounds": _FALSE},
    "TensorScatterAdd": _INDICES,
    "TensorScatterMax": _INDICES,
    "TensorScatterMin": _INDICES,
    "TensorScatterSub": _INDICES,
    "TensorScatterUpdate": _INDICES,
    "TopKV2": {"Tk": _INT32, "index_type": _INT32},
}

# These call Python functions of the exporting process.
PYTHON_OPS = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})

# TF_GRAPH_DEF_VERSION in tensorflow/core/public/version.h of 2.12.1.
GRAPH_VERSION = 1395


def unservable(version: Path) -> list[str]:
    """Returns what in `version` a TF Serving since 2.12 may lack."""
    found = set()
    for graph in _read(version).meta_graphs:
        oldest = graph.graph_def.versions.min_consumer
        if oldest > GRAPH_VERSION:
            found.add(f"the graph wants a reader of version {oldest}")
        for where, node in _nodes(graph):
            name = f"{node.op} ({where})"
            if node.op in PYTHON_OPS:
                found.add(f"{name} calls Python")
            elif node.op in NEW_OPS or node.op.startswith(NEW_PREFIX):
                found.add(f"{name} came after TensorFlow 2.12")
            # Only core ops have an entry there.
            elif node.op not in TEXT_OPS and not hasattr(tf.raw_ops, node.op):
                found.add(f"{name} is of neither TensorFlow nor TF Text 2.12")
            for key, default in NEW_ATTRIBUTES.get(node.op, {}).items():
                if key in node.attr and node.attr[key] != default:
                    found.add(f"{name} has `{key}`, which came after 2.12")
    return sorted(found)


def ops(version: Path) -> set[str]:
    """Returns the ops of `version`."""
    graphs = _read(version).meta_graphs
    return {node.op for graph in graphs for _, node in _nodes(graph)}


# Not inside a longer name, such as that of a node or a URL.
_ABSOLUTE = re.compile(rb"(?<![\w.:/<-])/(?:[\w.+-]+/)+[\w.+-]+")


def absolute_paths(version: Path) -> list[str]:
    """Returns absolute paths in `version`, or folders of this run.

    Searches every string of the graph; and in other files, where a README may
    have the path of a URL, only the folders that an export could reveal. Values
    of weights are skipped.
    """
    saved = _read(version)
    # The slash before it may be its length, 47, in a serialized graph.
    names = {
        b"/" + node.variable.name.removeprefix("/").encode()
        for node in saved.meta_graphs[0].object_graph_def.nodes
        if node.HasField("variable")
    }
    found = {
        f"saved_model.pb: {path.decode()}"
        for text in _strings(saved)
        for path in _ABSOLUTE.findall(text)
        if path not in names
    }
    folders = {Path.cwd(), Path.home(), Path(sys.prefix), version.resolve()}
    # Users without a home share one.
    folders -= {Path("/")}
    for path in version.rglob("*"):
        if path.is_file() and ".data-" not in path.name:
            content = path.read_bytes()
            found |= {
                f"{path.relative_to(version)}: {folder}"
                for folder in folders
                if str(folder).encode() in content
            }
    return sorted(found)


def _strings(message: Message) -> Iterator[bytes]:
    """Yields all strings in a message, without tensor values."""
    for field, value in message.ListFields():
        if field.name == "tensor_content":
            continue
        if isinstance(value, Message | str | bytes):
            values = [value]
        elif isinstance(value, Mapping):
            values = [*value.keys(), *value.values()]
        else:
            values = value if isinstance(value, Iterable) else []
        for item in values:
            if isinstance(item, Message):
                yield from _strings(item)
            elif isinstance(item, str):
                yield item.encode()
            elif isinstance(item, bytes):
                yield item


def _read(version: Path) -> saved_model_pb2.SavedModel:
    content = (version / "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(content)


def _nodes(graph) -> Iterator[tuple]:
    """Yields every node that is an op, with its function."""
    functions = graph.graph_def.library.function
    names = {function.signature.name for function in functions}
    places = [("main graph", graph.graph_def.node)]
    places += [(f.signature.name, f.node_def) for f in functions]
    for where, nodes in places:
        for node in nodes:
            # In old graphs, functions are called by name.
            if node.op not in names:
                yield where, node
