/// What conda's packages are called on the Python package index.
///
/// Nothing tells the two apart but knowing: a name that is not here may belong to something else there.
enum CondaNames {
    /// The name on the index; nil when it is not known to be there.
    static func index(_ name: String) -> String? { renamed[name] ?? (same.contains(name) ? name : nil) }

    /// What a base has already, and libraries that wheels bring with them.
    static let provided: Set<String> = words(
        """
        ca-certificates openssl bzip2 xz zlib libzlib zstd readline ncurses sqlite libsqlite tk libffi expat libexpat
        libuuid libnsl libxcrypt ld_impl_linux-64 libgcc libgcc-ng libgomp libstdcxx libstdcxx-ng python_abi blas libblas
        libcblas liblapack libopenblas openblas mkl mkl-service mkl_fft mkl_random nomkl intel-openmp libgfortran
        libgfortran-ng libgfortran5 freetype libpng libjpeg-turbo jpeg libtiff lcms2 openjpeg libwebp libwebp-base lerc
        libdeflate libiconv icu hdf5 libnetcdf yaml libyaml brotli-bin libbrotlicommon libbrotlidec libbrotlienc
        """)

    private static let same: Set<String> = words(
        """
        accelerate adjusttext adlfs aiohttp albumentations alembic altair anndata arch arviz ase astropy astroquery
        async-timeout attrs audioread azure-storage-blob backoff beautifulsoup4 bidict biom-format biopython black
        blosc2 bokeh boto3 botocore bottleneck brotlipy build cachetools cartopy casadi catboost category_encoders
        cerberus certifi cftime charset-normalizer click cloudpickle cmcrameri cmocean colorama colorcet contextily
        contourpy cookiecutter corner coverage cryptography cvxopt cvxpy cycler cython cytoolz dagster dash dask
        datasets datashader deap decorator diffusers dipy diskcache distributed django dnspython docopt duckdb ecos
        einops eli5 emcee esda evaluate exceptiongroup fabric faiss-cpu faker fastapi fastparquet feature-engine
        ffmpeg-python findspark fiona fire flake8 flask flax folium fonttools formulaic frozenlist fsspec ftfy
        fuzzywuzzy gcsfs gensim geopandas geopy gmsh google-api-python-client google-cloud-bigquery google-cloud-
        storage gradio great_expectations gspread gunicorn gym gymnasium h5py hdbscan healpy holoviews html5lib httpx
        hvplot hydra-core hyperopt hypothesis ibis-framework idna igraph imageio imbalanced-learn importlib-metadata
        importlib_metadata iniconfig intake invoke ipykernel ipython ipywidgets isort jax jaxlib jinja2 joblib
        jsonschema jupyter jupyterlab jupytext kedro keras kiwisolver koalas kornia leidenalg libpysal librosa
        lightgbm lightning lime line_profiler linearmodels llvmlite lmfit loguru louvain luigi lxml lz4 markupsafe
        marshmallow matplotlib mdanalysis mdtraj mechanize memory_profiler mesa meshio metpy mido missingno mkdocs
        mkdocs-material mlflow mne modin more-itertools moviepy mpl-scatter-density mudata multidict music21 mypy
        mysqlclient myst-parser nbclient nbconvert nbformat nbsphinx netcdf4 networkx nibabel nilearn nipype nltk
        notebook numba numexpr numpy numpydoc obspy omegaconf onnx onnxruntime opencv-python openmm openpyxl optax
        optuna orjson ortools osqp packaging pandas pandas-profiling pandera panel papermill paramiko patsy pdoc peft
        pennylane pexpect phonopy photutils pillow pingouin pint pip-tools plotly plotnine pluggy pmdarima polars
        polars-lts-cpu pre-commit prefect prettytable prophet psutil psycopg2-binary ptyprocess pulp py-spy
        pyahocorasick pyarrow pybedtools pydantic pydicom pydot pygad pygame pyglet pygraphviz pyinstrument pylint
        pymatgen pymc pymongo pymysql pyomo pyopenssl pyparsing pyproj pyresample pysal pysam pyspark pytest pytest-
        cov python-dateutil python-dotenv python-igraph python-levenshtein python-snappy pytorch-lightning pytz
        pyvista pywavelets pyyaml pyzmq qiskit qutip rapidfuzz rasterio rdkit redis regex requests requests-cache
        retrying rich rioxarray rtree ruamel.yaml ruff s3fs satpy scalene scanpy schedule scikit-bio scikit-image
        scikit-learn scikit-optimize scikit-survival scipy scrapy scs scvi-tools seaborn selenium sentence-
        transformers sentencepiece sentry-sdk setuptools sh shap shapely simpleitk simplejson simpy six sktime
        skyfield snakemake snowflake-connector-python sortedcontainers sounddevice soundfile spacy specutils spglib
        sphinx sphinx-rtd-theme sqlalchemy sqlfluff sqlite-utils sqlparse squarify stable-baselines3 statsmodels
        streamlit streamz structlog sunpy sweetviz sympy tables tabulate tenacity tensorboard tensorflow termcolor
        textblob threadpoolctl tifffile timm tokenizers toml tomli tomlkit toolz torchaudio torchmetrics torchvision
        tornado tox tqdm traitlets transformers trimesh tsfresh tslearn typer typing-extensions typing_extensions
        tzdata ujson umap-learn uncertainties unidecode urllib3 uvicorn vaex vega_datasets versioneer virtualenv vtk
        wandb watchdog wheel wordcloud wrapt xarray xesmf xgboost xlrd xlsxwriter yarl ydata-profiling yellowbrick
        zarr zipp zstandard
        """)

    private static let renamed = [
        "attr": "attrs",
        "brotli-python": "brotli",
        "dask-core": "dask",
        "faiss": "faiss-cpu",
        "geopandas-base": "geopandas",
        "importlib_resources": "importlib-resources",
        "ipython_genutils": "ipython-genutils",
        "jupyter_client": "jupyter-client",
        "jupyter_core": "jupyter-core",
        "jupyter_server": "jupyter-server",
        "jupyterlab_pygments": "jupyterlab-pygments",
        "jupyterlab_server": "jupyterlab-server",
        "matplotlib-base": "matplotlib",
        "msgpack-python": "msgpack",
        "nbconvert-core": "nbconvert",
        "opencv": "opencv-python-headless",
        "pillow-simd": "pillow",
        "prompt_toolkit": "prompt-toolkit",
        "psycopg2": "psycopg2-binary",
        "pure_eval": "pure-eval",
        "py-lightgbm": "lightgbm",
        "py-opencv": "opencv-python",
        "py-xgboost": "xgboost",
        "pyqt": "PyQt5",
        "pysocks": "PySocks",
        "pytables": "tables",
        "python-duckdb": "duckdb",
        "python-graphviz": "graphviz",
        "python-lmdb": "lmdb",
        "python-xxhash": "xxhash",
        "pytorch": "torch",
        "pytorch-cpu": "torch",
        "pytorch-gpu": "torch",
        "seaborn-base": "seaborn",
        "stack_data": "stack-data",
        "tensorflow-base": "tensorflow",
        "tensorflow-gpu": "tensorflow",
        "umap": "umap-learn",
    ]

    private static func words(_ text: String) -> Set<String> {
        Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
    }
}
