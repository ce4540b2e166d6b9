package dev.graft.data;

import java.util.Map;

/**
 * One record of a benchmark's file.
 *
 * @param index its number in the file, from 0
 * @param fields strings, numbers, booleans, lists and maps by name
 */
public record Doc(int index, Map<String, Object> fields) {}
