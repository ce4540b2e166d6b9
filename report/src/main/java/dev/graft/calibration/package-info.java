/** What was measured of a model's pieces and of exchanges on a machine: records ⇄ a JSON file. */
package dev.graft.calibration;
