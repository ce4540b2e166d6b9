package dev.graft.cost;

/** Where costs come from: data sheets, or a profile of this machine. */
@FunctionalInterface
public interface CostModel {
  /** The costs in a setting. */
  LayerCosts costs(Setting setting);
}
