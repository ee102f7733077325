import pg from "pg";

export default pg;
export const { Client } = pg;
