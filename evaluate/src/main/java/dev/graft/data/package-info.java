/** Questions as they lie on disk: the published files of benchmarks, read record by record. */
package dev.graft.data;
