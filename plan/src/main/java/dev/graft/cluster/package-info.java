/**
 * What a run stands on: devices by their data sheets and the networks between them, read from YAML
 * in SI base units. A handful ship by name.
 */
package dev.graft.cluster;
