import { Transform } from "assemblyscript/transform";

export default class AsBindTransform extends Transform {}
