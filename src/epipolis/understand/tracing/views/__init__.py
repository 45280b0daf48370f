from .cases import case, export_contacts, export_sources, network, onward, trace_again
from .clusters import cluster, cluster_layer, clusters, export_clusters
from .work import assign, undo, work, work_list

__all__ = [
    "assign",
    "case",
    "cluster",
    "cluster_layer",
    "clusters",
    "export_clusters",
    "export_contacts",
    "export_sources",
    "network",
    "onward",
    "trace_again",
    "undo",
    "work",
    "work_list",
]
