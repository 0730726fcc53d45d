"""Serves the perceptron of bench/serving.ts (20 numbers, layers of 32, 16 and 3) by another server: serving_peers.py NAME PORT.

NAME is one of mlserver, bentoml, mlflow, mosec (a server in Rust) and triton (a server in C++). The network is numpy
alone, so that what differs is the server. bench/serving.ts starts it, asks it and ends it.
"""
import json
import os
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
RANDOM = np.random.default_rng(1)
LAYERS = [(RANDOM.normal(0, 0.3, (n, m)).astype("f4"), np.zeros(m, "f4")) for n, m in [(20, 32), (32, 16), (16, 3)]]


def answer(rows):
    """[n, 20] -> [n, 3], float32."""
    values = np.asarray(rows, "f4")
    for weights, bias in LAYERS[:-1]:
        values = np.maximum(values @ weights + bias, 0)
    weights, bias = LAYERS[-1]
    scores = np.exp(values @ weights + bias)
    return scores / scores.sum(axis=1, keepdims=True)


def run(*command):
    own = os.path.dirname(sys.executable)
    os.environ["PYTHONPATH"] = HERE
    os.environ["PATH"] = f"{own}:{os.environ['PATH']}"
    os.execv(os.path.join(own, command[0]), list(command))


def mlserver(port):
    folder = tempfile.mkdtemp()
    settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0, "host": "127.0.0.1"}
    with open(f"{folder}/settings.json", "w") as file:
        json.dump(settings, file)
    with open(f"{folder}/model-settings.json", "w") as file:
        json.dump({"name": "m", "implementation": "serving_peers.MlserverModel"}, file)
    run("mlserver", "start", folder)


def bentoml(port):
    run("bentoml", "serve", "serving_peers:BentoModel", "--host", "127.0.0.1", "--port", str(port), "--working-dir", HERE)


def mlflow(port):
    import mlflow as library

    class Model(library.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return answer(model_input)

    folder = f"{tempfile.mkdtemp()}/model"
    library.pyfunc.save_model(folder, python_model=Model(), pip_requirements=[])
    run("mlflow", "models", "serve", "-m", folder, "-h", "127.0.0.1", "-p", str(port), "--env-manager", "local")


def mosec(port):
    from mosec import Server, Worker

    class Model(Worker):
        def forward(self, data):
            return answer(data["rows"]).tolist()

    sys.argv = [sys.argv[0], "--address", "127.0.0.1", "--port", str(port)]
    server = Server()
    server.append_worker(Model, num=1, start_method="fork")
    server.run()


def triton(port):
    from pytriton.decorators import batch
    from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
    from pytriton.triton import Triton, TritonConfig

    @batch
    def infer(x):
        return [answer(x)]

    config = TritonConfig(http_address="127.0.0.1", http_port=port, grpc_address="127.0.0.1", grpc_port=port + 1, metrics_port=port + 2, allow_metrics=False)
    with Triton(config=config) as server:
        server.bind(
            model_name="m",
            infer_func=infer,
            inputs=[Tensor(name="x", dtype=np.float32, shape=(20,))],
            outputs=[Tensor(name="y", dtype=np.float32, shape=(3,))],
            config=ModelConfig(max_batch_size=64, batcher=DynamicBatcher()),
        )
        server.serve()


if "mlserver" in sys.modules or (sys.argv[0].endswith("mlserver")):
    from mlserver import MLModel
    from mlserver.codecs import NumpyCodec
    from mlserver.types import InferenceResponse

    class MlserverModel(MLModel):
        async def load(self):
            return True

        async def predict(self, payload):
            return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", answer(NumpyCodec.decode_input(payload.inputs[0])))])


if "bentoml" in sys.modules or (sys.argv[0].endswith("bentoml")):
    import bentoml as bento

    @bento.service(workers=1)
    class BentoModel:
        @bento.api
        def predict(self, rows: list) -> list:
            return answer(rows).tolist()


if __name__ == "__main__":
    {"mlserver": mlserver, "bentoml": bentoml, "mlflow": mlflow, "mosec": mosec, "triton": triton}[sys.argv[1]](int(sys.argv[2]))
