"""Writes op-outputs.json: the output arguments of TensorFlow's operations, which a node inside a graph function must name.

    python make_op_outputs.py > op-outputs.json        (with tensorflow-cpu 2.21.0)

Per operation a list of argument names; "name#N" is a list whose length is the attribute N, "name*T" one entry per type in the attribute T.
"""
import json
import re
import sys

from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

LEFT_OUT = re.compile(r"Dataset|TPU|Xla|Mkl|Iterator|Experimental|Sdca|BoostedTrees|Debug|Collective|Nccl|Lookup|HashTable|Queue|Barrier|Reader|Summary|Audio|Decode|Encode|String|Sparse|Ragged|Quantiz|RemoteFused|CudnnRNN|_")
buffer = pywrap_tf_session.TF_GetAllOpList()
ops = op_def_pb2.OpList()
ops.ParseFromString(buffer if isinstance(buffer, bytes) else pywrap_tf_session.TF_GetBuffer(buffer))


def argument(a):
    return a.name + (f"#{a.number_attr}" if a.number_attr else f"*{a.type_list_attr}" if a.type_list_attr else "")


table = {o.name: [argument(a) for a in o.output_arg] for o in ops.op if o.output_arg and not LEFT_OUT.search(o.name) or o.name.startswith("SparseSoftmax")}
lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(outputs)}" for name, outputs in sorted(table.items()))
sys.stdout.write("{\n" + lines + "\n}\n")
