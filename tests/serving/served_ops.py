"""Whether TensorFlow Serving 2.12 and later know all that a version needs.

The lists were read from the wheels of tensorflow-cpu 2.12.1, tensorflow-text
2.12.1 and the two of 2.20: their C++ libraries were loaded and asked for the
ops that they register (`TF_GetAllOpList`), and the answers compared. TF
Serving links all ops of TF Text, in 2.12 to 2.19 those of TF Text 2.12.1.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
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

# Ops of TensorFlow 2.20 that 2.12.1 does not register, as far as they are no
# kernel's private matter ("_...").
NEW_OPS = frozenset(
    """
    CalibrationStatisticsSaver CheckPinned CollectiveAllToAllV2
    ComputeDedupDataSize ComputeDedupDataSizeV2 ComputeDedupDataTupleMaskV2
    Conv ConvertToCooTensor ConvertToListOfSparseCoreCooTensors
    ConvertToSparseCoreCsrWrappedCooTensor DTensorAllToAll DatasetFingerprint
    DebugIdentityV3 DecodeWebP DumpTensor
    DynamicEnqueueTPUEmbeddingRaggedTensorBatch FFTND FinalizeTPUEmbeddingV2
    GetMinibatchSplitsWithPhysicalReplica GetMinibatchesInCsrWithPhysicalReplica
    GetStatsFromListOfSparseCoreCooTensors GetTpuTaskId GlobalIterId
    GlobalShuffleDataset IFFTND IRFFTND IndexFlatMapDataset
    IteratorGetModelProto ListSnapshotChunksDataset RFFTND RaggedFillEmptyRows
    RaggedFillEmptyRowsGrad RelayoutLike SegmentMaxV2 SegmentMinV2
    SnapshotChunkDataset SortListOfSparseCoreCooTensors
    SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2
    StochasticCastToInt StoreMinibatchStatisticsInFdo TFRecordDatasetV2
    TPUAnnotateTensorsWithDynamicShape TPUCopyWithDynamicShape TPUDummyInput
    UpdateTaskIdAndGlobalCoreArray WeightedFlatMapDataset XlaLaunchV2
    XlaRecvTPUEmbeddingActivationsV2 XlaRecvTPUEmbeddingDeduplicationDataV2
    XlaSendTPUEmbeddingGradientsV2
    """.split()
)
NEW_PREFIX = "XlaSparse"

# Attributes that 2.12.1 does not know of ops that it has. It ignores them, so
# that they may stand there with their default only. `debug_name` changes
# nothing; the others of the 61 are of ops for TPUs and of `tf.data`.
_INDICES = {"bad_indices_policy"}
NEW_ATTRIBUTES = {
    "BatchMatMul": {"grad_x", "grad_y"},
    "BatchMatMulV2": {"grad_x", "grad_y"},
    "BatchMatMulV3": {"grad_x", "grad_y"},
    "ConcatOffset": {"shape_type"},
    "GatherNd": _INDICES,
    "MatMul": {"grad_a", "grad_b"},
    "ScatterNd": _INDICES,
    "SparseSegmentMean": {"sparse_gradient"},
    "SparseSegmentSqrtN": {"sparse_gradient"},
    "SparseSegmentSum": {"sparse_gradient"},
    "TensorListSetItem": {"resize_if_index_out_of_bounds"},
    "TensorScatterAdd": _INDICES,
    "TensorScatterMax": _INDICES,
    "TensorScatterMin": _INDICES,
    "TensorScatterSub": _INDICES,
    "TensorScatterUpdate": _INDICES,
    "TopKV2": {"Tk", "index_type"},
}

# They call a Python function that only the exporting process has.
PYTHON_OPS = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})

# TF_GRAPH_DEF_VERSION in tensorflow/core/public/version.h of 2.12.1.
GRAPH_VERSION = 1395


def unservable(version: Path) -> list[str]:
    """What in `version` a TF Serving of 2.12 or later may not have."""
    found = set()
    for graph, where, node in _nodes(version):
        name = f"{node.op} ({where})"
        if node.op in _functions(graph) or node.op in TEXT_OPS:
            continue
        if node.op in PYTHON_OPS:
            found.add(f"{name} calls Python")
        elif node.op in NEW_OPS or node.op.startswith(NEW_PREFIX):
            found.add(f"{name} came after TensorFlow 2.12")
        # Core ops have an entry there, and others not.
        elif not hasattr(tf.raw_ops, node.op):
            found.add(f"{name} is of neither TensorFlow nor TF Text 2.12")
        for key in NEW_ATTRIBUTES.get(node.op, set()) & node.attr.keys():
            if node.attr[key] != _default(graph, node.op, key):
                found.add(f"{name} has `{key}`, which came after 2.12")
    for graph in _read(version).meta_graphs:
        oldest = graph.graph_def.versions.min_consumer
        if oldest > GRAPH_VERSION:
            found.add(f"the graph wants a reader of version {oldest}")
    return sorted(found)


def ops(version: Path) -> set[str]:
    """The ops of `version`, functions of its own left out."""
    return {
        node.op
        for graph, _, node in _nodes(version)
        if node.op not in _functions(graph)
    }


# Not within a longer name, such as that of a node or a URL.
_ABSOLUTE = re.compile(rb"(?<![\w.:/\-<>])/(?:[\w.+\-]+/)+[\w.+\-]+")


def absolute_paths(version: Path) -> list[str]:
    """What looks like an absolute path in the files of `version`.

    The values of the weights, which are no text, are left out.
    """
    return sorted(
        f"{path.relative_to(version)}: {found.decode(errors='replace')}"
        for path in version.rglob("*")
        if path.is_file() and ".data-" not in path.name
        for found in _ABSOLUTE.findall(path.read_bytes())
    )


def _read(version: Path) -> saved_model_pb2.SavedModel:
    content = (version / "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(content)


def _nodes(version: Path) -> Iterator[tuple]:
    """Every node, with its graph and the function that it is in."""
    for graph in _read(version).meta_graphs:
        for node in graph.graph_def.node:
            yield graph, "main graph", node
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                yield graph, function.signature.name, node


def _functions(graph) -> set[str]:
    return {f.signature.name for f in graph.graph_def.library.function}


def _default(graph, op: str, key: str) -> object:
    [definition] = [
        found
        for found in graph.meta_info_def.stripped_op_list.op
        if found.name == op
    ]
    [attribute] = [x for x in definition.attr if x.name == key]
    return attribute.default_value
